import { adaptiveAvgPool2d as pool } from '../ops/avgPool2d.ts';
import type { Pair } from '../shape.ts';
import { type Layer, type NameOption, operatorLayer } from './layer.ts';

/**
 * Means that make a given output size, whatever the input's: (C,H,W) → (C,P,Q).
 * @param options.outputSize [P, Q], or one number for both, 1 or more
 */
export function adaptiveAvgPool2d(options: { outputSize: number | Pair } & NameOption): Layer {
  return operatorLayer('adaptiveAvgPool2d', options, ['outputSize'], pool);
}
