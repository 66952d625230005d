import type { Mutation } from './mutation.ts';

/** Faults in convolutions by other ways than patches and products: direct, depthwise, over planes, Winograd's. */
export const convolutionMutations: readonly Mutation[] = [
  {
    fault: 'direct convolution mirrors the taps of a filter row',
    file: 'kernels/direct_conv.inl.h',
    find: 'const T* filter = filter_row + s * call.tap_pitch;',
    replace: 'const T* filter = filter_row + (in.taps_w - 1 - s) * call.tap_pitch;',
    tests: 'conv2d|convolution',
  },
  {
    fault: 'direct convolution sees one filter row too few at the upper edge',
    file: 'kernels/direct_conv.inl.h',
    find: 'range.row_first = taps_from(in.h, in.dilation_h);',
    replace: 'range.row_first = taps_from(in.h, in.dilation_h) + (in.h < 0 ? 1 : 0);',
    tests: 'conv2d|convolution',
  },
  {
    fault: 'a depthwise tile mirrors the taps of a filter row',
    file: 'kernels/depthwise.inl.h',
    find: 'tile.sums[a][b] = fma(x, tile.taps[a][s], tile.sums[a][b]);',
    replace: 'tile.sums[a][b] = fma(x, tile.taps[a][S - 1 - s], tile.sums[a][b]);',
    tests: 'conv2d|convolution',
  },
  {
    fault: 'a depthwise tile at the right edge sees the next row',
    file: 'kernels/depthwise.inl.h',
    find: 'if (Edge && (w + j < 0 || w + j >= in.width)) continue;',
    replace: 'if (Edge && w + j < 0) continue;',
    tests: 'conv2d|convolution',
  },
  {
    fault: 'the depthwise filter gradient forgets the rows of earlier calls',
    file: 'kernels/depthwise_filter.inl.h',
    find: 'store_lanes(at, load_lanes(at, count) + sums[r][s], count);',
    replace: 'store_lanes(at, sums[r][s], count);',
    tests: 'conv2d|convolution',
  },
  {
    fault: 'the depthwise filter gradient leaves the columns beyond whole tiles out',
    file: 'kernels/depthwise_filter.inl.h',
    find: 'for (std::int64_t q = 0; q < row.columns; q += B) {',
    replace: 'for (std::int64_t q = 0; q + B <= row.columns; q += B) {',
    tests: 'conv2d|convolution',
  },
  {
    fault: 'the filter gradient over planes forgets earlier rows',
    file: 'kernels/plane_conv.inl.h',
    find: 'store(at, load(at) + sums[n][o]);',
    replace: 'store(at, sums[n][o]);',
    tests: 'conv2d|convolution',
  },
  {
    fault: 'convolution over planes reads the planes of the first block for all',
    file: 'kernels/plane_conv.inl.h',
    find: 'const T* x = call.x + begin * call.x_plane + first + call.offsets[t];',
    replace: 'const T* x = call.x + first + call.offsets[t];',
    tests: 'conv2d|convolution',
  },
  {
    fault: "Winograd's transform of a tile adds its last input",
    file: 'kernels/winograd.inl.h',
    find: 'to[3] = d[1] - d[3];',
    replace: 'to[3] = d[1] + d[3];',
    tests: 'Winograd',
  },
];
