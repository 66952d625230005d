import { globalAvgPool2d as pool } from '../ops/avgPool2d.ts';
import { type Layer, type NameOption, operatorLayer } from './layer.ts';

/** The mean of each channel: (C,H,W) → (C). */
export function globalAvgPool2d(options: NameOption = {}): Layer {
  return operatorLayer('globalAvgPool2d', options, [], (x) => pool(x));
}
