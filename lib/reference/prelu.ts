import { elementwise } from './broadcast.ts';

/** y = x where x ≥ 0, else slope · x. */
export const prelu = elementwise((x, slope) => (x < 0 ? slope * x : x));

/** 1 where x > 0, else the slope. */
export const preluSlope = elementwise((x, slope) => (x > 0 ? 1 : slope));
