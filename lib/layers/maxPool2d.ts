import { checkOptions } from '../errors.ts';
import {
  type MaxPool2dOptions,
  maxPool2dOptionNames,
  maxPool2d as pool,
} from '../ops/maxPool2d.ts';
import { checkPair } from '../shape.ts';
import { type Layer, plainLayer } from './layer.ts';

/**
 * The largest value of each window: (C,H,W) → (C,P,Q).
 * @throws ERR_ARGUMENT for an option out of range
 */
export function maxPool2d(options: MaxPool2dOptions & { name?: string }): Layer {
  checkOptions('maxPool2d', options, [...maxPool2dOptionNames, 'name']);
  checkPair('maxPool2d', 'kernelSize', options.kernelSize, 1);
  const { name: _, ...settings } = options;
  return plainLayer('maxPool2d', { ...options }, (x) => pool(x, settings));
}
