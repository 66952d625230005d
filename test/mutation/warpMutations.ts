import type { Mutation } from './mutation.ts';

const warp = 'kernels/warp.inl.h';
const tests = 'warpAffine|erase';

/** Faults in what moves and overwrites pixels. */
export const warpMutations: readonly Mutation[] = [
  {
    fault: 'a bilinear warp does not see the last row below',
    file: warp,
    find: 'mask_and(inside, less(h, broadcast(height - 1)))',
    replace: 'mask_and(inside, less(h, broadcast(height - 2)))',
    tests,
  },
  {
    fault: 'the nearest warp reads to the left of a row what ends the row above',
    file: warp,
    find: 'warp_store_cells(taps->cells[0] + i, inside, h * broadcast(width) + w);',
    replace: 'warp_store_cells(taps->cells[0] + i, near, h * broadcast(width) + w);',
    tests,
  },
  {
    fault: 'a warp adds what is outside with weight 0, infinite or not',
    file: warp,
    find: 'sum = sum + select(equal(weight, zero<T>()), nothing, share);',
    replace: 'sum = sum + share;',
    tests,
  },
  {
    fault: "the warp's gradient goes to every cell alike",
    file: warp,
    find: 'to[c] += weight * dy[c];',
    replace: 'to[c] += dy[c];',
    tests,
  },
  {
    fault: 'a row beyond the box is overwritten',
    file: 'ops/erase.cpp',
    find: 'if (row < box[0] || row >= box[2]) return;',
    replace: 'if (row < box[0] || row > box[2]) return;',
    tests,
  },
];
