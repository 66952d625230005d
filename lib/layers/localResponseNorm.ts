import { checkOptions } from '../errors.ts';
import {
  type LocalResponseNormOptions,
  localResponseNormOptionNames,
  localResponseNormSettings,
  localResponseNorm as normalize,
} from '../ops/localResponseNorm.ts';
import { type Layer, makeLayer, type NameOption } from './layer.ts';

/** Settings of local response normalization. */
export interface LocalResponseNormLayerOptions extends LocalResponseNormOptions, NameOption {}

/**
 * Every value over the values of neighbouring channels at its place (Krizhevsky, Sutskever and
 * Hinton 2012), see `sn.ops.localResponseNorm`; inputs (C,…).
 * @throws ERR_ARGUMENT for an option out of range
 */
export function localResponseNorm(options: LocalResponseNormLayerOptions): Layer {
  checkOptions('localResponseNorm', options, [...localResponseNormOptionNames, 'name']);
  const settings = localResponseNormSettings(options);
  return makeLayer({
    kind: 'localResponseNorm',
    options,
    forward: (x) => normalize(x, settings),
  });
}
