import type { Mutation } from './mutation.ts';

const convPool = 'kernels/conv_pool.inl.h';

/** Faults in what fused nodes run, and in the sums of filter gradients over strips. */
export const fusedMutations: readonly Mutation[] = [
  {
    fault: 'strips of columns that the stride does not divide are packed over each other',
    file: 'ops/filter_strips.cpp',
    find: 'const std::int64_t longer = std::min(residue, width % conv_.stride_w);',
    replace: 'const std::int64_t longer = 0;',
    tests: 'conv2d',
  },
  {
    fault: "batch normalization's gradient adds the second message twice",
    file: 'ops/batch_norm_gradient.cpp',
    find: '      message.more = nullptr;\n',
    replace: '',
    tests: 'what follows batch normalization',
  },
  {
    fault: 'GEMM adds the first row of a residual to all rows of a tile',
    file: 'kernels/gemm.inl.h',
    find: 'const T* residual = call.residual + call.row_offsets[i];',
    replace: 'const T* residual = call.residual + call.row_offsets[0];',
    tests: 'what follows a convolution',
  },
  {
    fault: 'a pooled convolution forgets the depth blocks after the first',
    file: convPool,
    find: 'sums.of[i / cells][i % cells][v] + more.of[i / cells][i % cells][v];',
    replace: 'sums.of[i / cells][i % cells][v];',
    tests: 'pooled convolutions',
  },
  {
    fault: "a pooled convolution takes the product's way where it may take Winograd's",
    file: 'ops/conv_max_pool.cpp',
    find: 'if (make_winograd_conv2d(call, table, conv, activation, false) != nullptr) return false;',
    replace: '',
    tests: "pools of Winograd's",
  },
  {
    fault: 'a pooled window without a positive value passes the gradient on',
    file: convPool,
    find: 'best[v].place = select(less(zero<T>(), best[v].value), best[v].place, none);',
    replace: '(void)none;',
    tests: 'pooled convolutions',
  },
  {
    fault: 'every cell of a pooled window wins',
    file: convPool,
    find: 'const Vec<T> won = select(wins, dy, zero<T>());',
    replace: 'const Vec<T> won = select(wins, dy, dy);',
    tests: 'pooled convolutions',
  },
  {
    fault: 'winners in the lower row of a pooled window count as in the upper one',
    file: convPool,
    find: 'const std::int64_t second = (call.cell_rows - 1) * call.cell_row;',
    replace: 'const std::int64_t second = 0;',
    tests: 'pooled convolutions',
  },
  {
    fault: "'split' gives each cell of a mask of winners the whole gradient",
    file: 'kernels/pool.inl.h',
    find: 'if (!split) return dy;',
    replace: 'if (split || !split) return dy;',
    tests: 'pools|pooled',
  },
  {
    fault: 'filter gradients over strips forget the sums of earlier strips at the edge',
    file: 'kernels/outer_products.inl.h',
    find: 'store_partial(last, call.accumulate ? load_partial(last, tail) + sum : sum, tail);',
    replace: 'store_partial(last, sum, tail);',
    tests: 'conv2d',
  },
  {
    fault: 'batch normalization leaves out the residual',
    file: 'kernels/normalize.inl.h',
    find: 'if (call.residual != nullptr) {',
    replace: 'if (call.residual != nullptr && call.rows < 0) {',
    tests: 'what follows batch normalization',
  },
];
