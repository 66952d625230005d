import { checkBoolean, checkOptions, shapeError } from '../errors.ts';
import { checkEpsilon } from '../ops/batchNorm.ts';
import { groupNorm as normalize } from '../ops/layerNorm.ts';
import { checkInteger, formatShape } from '../shape.ts';
import { type Layer, makeLayer } from './layer.ts';
import { affineParameters, type NormLayerOptions, normOptionNames } from './norm.ts';

/** Settings of group normalization. */
export interface GroupNormLayerOptions extends NormLayerOptions {
  /** How many parts the channels are cut into, each normalized with its pixels. */
  groups: number;
}

/**
 * Normalization of each sample over groups of its channels (Wu and He 2018). Parameters: weight (C),
 * bias (C).
 * @throws ERR_ARGUMENT for an option out of range
 */
export function groupNorm(options: GroupNormLayerOptions): Layer {
  checkOptions('groupNorm', options, ['groups', ...normOptionNames]);
  const groups = checkInteger('groupNorm', 'groups', options.groups, 1);
  const epsilon = checkEpsilon('groupNorm', options.epsilon);
  const { affine = true } = options;
  checkBoolean('groupNorm', 'affine', affine);
  return makeLayer({
    kind: 'groupNorm',
    options,
    parameters(input) {
      const channels = input[0] ?? 0;
      if (channels > 0 && channels % groups === 0) return affineParameters([channels], affine);
      throw shapeError(
        'groupNorm',
        `groups ${groups} must divide the channels of the input ${formatShape(input)}`,
      );
    },
    forward: (x, { weight = null, bias = null }) => normalize(x, groups, weight, bias, { epsilon }),
  });
}
