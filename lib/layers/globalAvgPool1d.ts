import { globalAvgPool1d as pool } from '../ops/pool1d.ts';
import { type Layer, type NameOption, operatorLayer } from './layer.ts';

/** The mean of each channel: (C,L) → (C). */
export function globalAvgPool1d(options: NameOption = {}): Layer {
  return operatorLayer('globalAvgPool1d', options, [], (x) => pool(x));
}
