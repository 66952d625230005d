import { convolutionMutations } from './convolutionMutations.ts';
import { fusedMutations } from './fusedMutations.ts';
import type { Mutation } from './mutation.ts';
import { warpMutations } from './warpMutations.ts';

const gemm = 'kernels/gemm.inl.h';
const pack = 'kernels/pack.inl.h';
const pool = 'kernels/pool.inl.h';
const softmax = 'kernels/softmax.inl.h';

const products: Mutation[] = [
  {
    fault: 'GEMM forgets the sums of earlier depth blocks',
    file: gemm,
    find: 'sums[i][j] = load_columns(c, j * lanes, call.columns) + sums[i][j];',
    replace: '(void)c;',
    tests: 'matmul|linear|conv2d',
  },
  {
    fault: 'GEMM drops the last product of a depth block',
    file: gemm,
    find: 'for (std::int64_t left = call.depth; left > 0; left -= run->length, ++run) {',
    replace: 'for (std::int64_t left = call.depth - 1; left > 0; left -= run->length, ++run) {',
    tests: 'matmul|linear|conv2d',
  },
  {
    fault: "GEMM does not add the bias to a tile's last row",
    file: gemm,
    find: 'for (int i = 0; i < Rows; ++i) sums[i][j] = sums[i][j] + bias;',
    replace: 'for (int i = 0; i < Rows - 1; ++i) sums[i][j] = sums[i][j] + bias;',
    tests: 'matmul|linear|conv2d',
  },
  {
    fault: 'GEMM stores one column too few at the edge',
    file: gemm,
    find: 'store_partial(c + (Vectors - 1) * lanes, sums[i][Vectors - 1], tail);',
    replace: 'store_partial(c + (Vectors - 1) * lanes, sums[i][Vectors - 1], tail - 1);',
    tests: 'matmul|linear|conv2d',
  },
  {
    fault: 'GEMM reads the first A panel for all',
    file: gemm,
    find: 'call.b += block.b_panel_stride;\n      }\n      call.a += block.a_panel_stride;\n',
    replace: 'call.b += block.b_panel_stride;\n      }\n',
    tests: 'matmul|linear|conv2d',
  },
  {
    fault: 'a flipped filter is packed as it is',
    file: 'kernels/pack_turned.inl.h',
    find: 'order.flipped ? order.inner_count - 1 - inner : inner',
    replace: 'inner',
    tests: 'matmul|linear|conv2d',
  },
];

const patches: Mutation[] = [
  {
    fault: 'im2col clears one element too many at the left edge',
    file: pack,
    find: 'clamp(-w * x.channels, offset, stop)',
    replace: 'clamp(-w * x.channels + 1, offset, stop)',
    tests: 'conv2d',
  },
  {
    fault: 'im2col drops the last tap at the right edge',
    file: pack,
    find: 'clamp((x.width - w) * x.channels, low, stop)',
    replace: 'clamp((x.width - w - 1) * x.channels, low, stop)',
    tests: 'conv2d',
  },
  {
    fault: 'im2col takes the horizontal stride for the vertical one',
    file: pack,
    find: 'h = p * x.stride_h + x.origin_h;',
    replace: 'h = p * x.stride_w + x.origin_h;',
    tests: 'conv2d',
  },
  {
    fault: 'im2col ignores the vertical dilation',
    file: pack,
    find: 'const std::int64_t h = place.h + tap_row * x.dilation_h;',
    replace: 'const std::int64_t h = place.h + tap_row;',
    tests: 'conv2d',
  },
  {
    fault: 'the padded copy begins one pixel early',
    file: 'ops/padded_patches.cpp',
    find: 'const std::int64_t first = std::clamp<std::int64_t>(-x.origin_w, 0, width);',
    replace: 'const std::int64_t first = std::clamp<std::int64_t>(-x.origin_w - 1, 0, width);',
    tests: 'conv2d',
  },
  {
    fault: 'a strip of patches skips a filter row',
    file: 'ops/strip_conv2d.cpp',
    find: 'const std::int64_t tap_row = x.dilation_h * shape.row_step;',
    replace: 'const std::int64_t tap_row = (x.dilation_h + 1) * shape.row_step;',
    tests: 'conv2d',
  },
  {
    fault: 'a phase of the strided input gradient starts one pixel off',
    file: 'ops/conv2d_geometry.cpp',
    find: 'phase.origin = (shifted - phase.first_tap * dilation) / stride;',
    replace: 'phase.origin = (shifted - phase.first_tap * dilation) / stride + 1;',
    tests: 'conv2d',
  },
];

const pooling: Mutation[] = [
  {
    fault: 'of equal values in a 2x2 window the last one wins',
    file: pool,
    find: 'const Mask<T> wins = less(best.value, value);',
    replace: 'const Mask<T> wins = less_equal(best.value, value);',
    tests: 'maxPool2d',
  },
  {
    fault: 'of equal values in any other window the last one wins',
    file: pool,
    find: 'mask_and(mask_not(less_equal(value, best.value)), mask_not(is_nan(best.value)))',
    replace: 'mask_and(mask_not(less(value, best.value)), mask_not(is_nan(best.value)))',
    tests: 'maxPool2d',
  },
  {
    fault: 'a number wins over a NaN before it',
    file: pool,
    find: 'mask_and(mask_not(less_equal(value, best.value)), mask_not(is_nan(best.value)))',
    replace: 'mask_not(less_equal(value, best.value))',
    tests: 'maxPool2d',
  },
  {
    fault: 'a dilated window loses its last cell at the edge',
    file: pool,
    find: 'range.last = (size - start + dilation - 1) / dilation;',
    replace: 'range.last = (size - start) / dilation;',
    tests: 'maxPool2d',
  },
  {
    fault: "'split' gives each winner the whole gradient",
    file: pool,
    find: 'load_lanes(call.dy + window, count) / cells, count);',
    replace: 'load_lanes(call.dy + window, count), count);',
    tests: 'maxPool2d',
  },
  {
    fault: 'the gradient of windows that stand apart goes to the first cell of a row',
    file: pool,
    find: 'match.won(winner, place, cell + s, count)',
    replace: 'match.won(winner, place, cell, count)',
    tests: 'maxPool2d',
  },
];

const elements: Mutation[] = [
  {
    fault: "softmax's gradient adds the mean message",
    file: softmax,
    find: '(load_lanes(dy + i, columns - i) - dot)',
    replace: '(load_lanes(dy + i, columns - i) + dot)',
    tests: 'softmax|Update',
  },
  {
    fault: "Adam does not correct the second moment's bias",
    file: 'kernels/elementwise.inl.h',
    find: 'const Vec<T> divisor = sqrt(v) / root_correction + epsilon;',
    replace: 'const Vec<T> divisor = sqrt(v) + epsilon; (void)root_correction;',
    tests: 'softmax|Update',
  },
  {
    fault: "Nesterov's momentum is plain momentum",
    file: 'kernels/elementwise.inl.h',
    find: 'direction = scalars.nesterov ? g + momentum * v : v;',
    replace: 'direction = v;',
    tests: 'softmax|Update',
  },
];

const averages: Mutation[] = [
  {
    fault: 'average pooling leaves out the last row of a window',
    file: 'kernels/average_pool.inl.h',
    find: 'for (std::int64_t h = call.vertical.first; h < call.vertical.last; ++h) {',
    replace: 'for (std::int64_t h = call.vertical.first; h < call.vertical.last - 1; ++h) {',
    tests: 'vgPool2d',
  },
  {
    fault: 'average pooling counts padding although it should not',
    file: 'ops/avg_pool2d.cpp',
    find: 'axis.count_padding ? end - start : last - first',
    replace: 'end - start',
    tests: 'vgPool2d',
  },
  {
    fault: 'an adaptive window ends too early',
    file: 'ops/avg_pool2d.cpp',
    find: '((p + 1) * size + count - 1) / count',
    replace: '((p + 1) * size) / count',
    tests: 'vgPool2d',
  },
];

const broadcasts: Mutation[] = [
  {
    fault: 'of two zeros maximum takes the negative one',
    file: 'kernels/binary.inl.h',
    find: 'select(equal(a, b), bitwise_and(a, b), max(a, b))',
    replace: 'select(equal(a, b), bitwise_or(a, b), max(a, b))',
    tests: 'add|maximum|biasGradient',
  },
  {
    fault: 'a broadcast operand moves on with the rows',
    file: 'kernels/binary.inl.h',
    find: '    b += steps.pitch[1];\n',
    replace: '    b += steps.pitch[0];\n',
    tests: 'add|maximum|biasGradient',
  },
  {
    fault: 'a sum over rows loses one of its eight accumulators',
    file: 'kernels/reduce.inl.h',
    find: '((sums[4] + sums[5]) + (sums[6] + sums[7]))',
    replace: '((sums[4] + sums[5]) + sums[6])',
    tests: 'add|maximum|biasGradient',
  },
];

const losses: Mutation[] = [
  {
    fault: "Huber's loss is quadratic everywhere",
    file: 'kernels/loss.inl.h',
    find: 'select(less(delta, distance), line, half * distance * distance)',
    replace: 'select(less(distance, distance), line, half * distance * distance)',
    tests: 'huber|squaredError|CrossEntropy',
  },
  {
    fault: 'the sum of losses forgets what is beyond whole blocks of 16',
    file: 'kernels/loss.inl.h',
    find: 'for (int j = 0; i < size; ++i, ++j) sums[j] += static_cast<double>(values[i]);',
    replace: '',
    tests: 'huber|squaredError|CrossEntropy',
  },
  {
    fault: 'smoothed labels share nothing among the other classes',
    file: 'kernels/loss.inl.h',
    find: 'const T smooth = row.keep * own + row.share;',
    replace: 'const T smooth = row.keep * own;',
    tests: 'huber|squaredError|CrossEntropy',
  },
];

const functions: Mutation[] = [
  {
    fault: 'the exponential adds the low part of ln 2 instead of taking it away',
    file: 'kernels/math.inl.h',
    find: 'const Vec<T> r = fma(-n, broadcast(S::ln2_low), fma(-n, broadcast(S::ln2_high), x));',
    replace: 'const Vec<T> r = fma(n, broadcast(S::ln2_low), fma(-n, broadcast(S::ln2_high), x));',
    tests: 'exp|tanh|erf|cos',
  },
  {
    fault: "tanh's coefficients in float32 are off by one in the sixth digit",
    file: 'kernels/math.inl.h',
    find: 'static constexpr float tanh[] = {-0x1.555534p-2f,',
    replace: 'static constexpr float tanh[] = {-0x1.555634p-2f,',
    tests: 'exp|tanh|erf|cos',
  },
  {
    fault: 'the error function ends at 3.5 instead of 4',
    file: 'kernels/math.inl.h',
    find: 'static constexpr float erf_end = 4.0f;',
    replace: 'static constexpr float erf_end = 3.5f;',
    tests: 'exp|tanh|erf|cos',
  },
  {
    fault: 'cosine takes the sine of odd quadrants with the wrong sign',
    file: 'kernels/math.inl.h',
    find: 'sign_of_half_turn<T>(angle.quadrant + 1)',
    replace: 'sign_of_half_turn<T>(angle.quadrant)',
    tests: 'exp|tanh|erf|cos',
  },
];

const normalizations: Mutation[] = [
  {
    fault: 'the running variance is the biased one',
    file: 'ops/batch_norm.cpp',
    find: 'moved(old, moments.squares / (count - 1))',
    replace: 'moved(old, moments.squares / count)',
    tests: 'batchNorm',
  },
  {
    fault: 'the variance of a row forgets what is beyond whole vectors',
    file: 'kernels/layer_norm.inl.h',
    find: '      squares += difference * difference;\n',
    replace: '',
    tests: 'layerNorm',
  },
];

const movements: Mutation[] = [
  {
    fault: 'reflection repeats the last cell',
    file: 'ops/pad.cpp',
    find: 'return i < 0 ? -i : 2 * (size - 1) - i;',
    replace: 'return i < 0 ? -i : 2 * size - 1 - i;',
    tests: 'pad',
  },
  {
    fault: 'unfold ignores the horizontal stride',
    file: 'ops/unfold.cpp',
    find: 'to[first + q] = from[q * h.stride];',
    replace: 'to[first + q] = from[q];',
    tests: 'unfold',
  },
  {
    fault: "dropout swaps the halves of the step's number",
    file: 'kernels/dropout.inl.h',
    find: 'c1[v] = none + mask.step[0];',
    replace: 'c1[v] = none + mask.step[1];',
    tests: 'ropout',
  },
  {
    fault: 'argmax of a long axis forgets which part its place is in',
    file: 'ops/arg_reduction.cpp',
    find: 'static_cast<std::int32_t>(part * cut.part) + places[best];',
    replace: 'static_cast<std::int32_t>(part) + places[best];',
    tests: 'arg',
  },
];

/** Faults of every kind, one in a kernel at a time. */
export const mutations: readonly Mutation[] = [
  ...products,
  ...patches,
  ...pooling,
  ...elements,
  ...averages,
  ...broadcasts,
  ...losses,
  ...functions,
  ...normalizations,
  ...movements,
  ...convolutionMutations,
  ...fusedMutations,
  ...warpMutations,
];
