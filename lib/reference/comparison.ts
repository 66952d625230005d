import { elementwise } from './broadcast.ts';

/** Comparisons. */
export const comparison = {
  equal: elementwise((a, b) => a === b),
  notEqual: elementwise((a, b) => a !== b),
  less: elementwise((a, b) => a < b),
  lessEqual: elementwise((a, b) => a <= b),
  greater: elementwise((a, b) => a > b),
  greaterEqual: elementwise((a, b) => a >= b),
};
