import { elementwise } from './broadcast.ts';

/** Functions of two numbers. */
export const binary = {
  add: elementwise((a, b) => a + b),
  sub: elementwise((a, b) => a - b),
  mul: elementwise((a, b) => a * b),
  div: elementwise((a, b) => a / b),
  maximum: elementwise(Math.max),
  minimum: elementwise(Math.min),
  pow: elementwise(Math.pow),
};
