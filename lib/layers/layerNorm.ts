import { argumentError, checkBoolean, checkOptions, shapeError } from '../errors.ts';
import { checkEpsilon } from '../ops/batchNorm.ts';
import { layerNorm as normalize } from '../ops/layerNorm.ts';
import { checkInteger, formatShape, type Shape, sameShape } from '../shape.ts';
import { type Layer, makeLayer } from './layer.ts';
import { affineParameters, type NormLayerOptions, normOptionNames } from './norm.ts';

/** Settings of layer normalization. */
export interface LayerNormLayerOptions extends NormLayerOptions {
  /** The last sizes of a sample, over which it is normalized; default: all of a sample. */
  normalizedShape?: number | Shape;
}

/**
 * Normalization of each sample over its last axes (Ba, Kiros, Hinton 2016). Parameters: weight and
 * bias of the shape that is normalized.
 * @throws ERR_ARGUMENT for an option out of range
 */
export function layerNorm(options: LayerNormLayerOptions = {}): Layer {
  checkOptions('layerNorm', options, ['normalizedShape', ...normOptionNames]);
  const epsilon = checkEpsilon('layerNorm', options.epsilon);
  const { affine = true, normalizedShape } = options;
  const given = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
  if (given !== undefined && !Array.isArray(given)) {
    throw argumentError('layerNorm', 'normalizedShape to be a size or a list of sizes', given);
  }
  for (const size of given ?? []) checkInteger('layerNorm', 'normalizedShape', size, 1);
  checkBoolean('layerNorm', 'affine', affine);
  const shapeOf = (input: Shape): Shape => {
    const shape = given ?? input;
    const last = input.slice(Math.max(0, input.length - shape.length));
    if (shape.length > 0 && sameShape(shape, last)) return shape;
    throw shapeError(
      'layerNorm',
      `normalizedShape ${formatShape(shape)} must be the last sizes of the input ${formatShape(input)}`,
    );
  };
  return makeLayer({
    kind: 'layerNorm',
    options,
    parameters: (input) => affineParameters(shapeOf(input), affine),
    forward: (x, { weight = null, bias = null }) =>
      normalize(x, shapeOf(x.shape.slice(1)), weight, bias, { epsilon }),
  });
}
