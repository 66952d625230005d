import { StridenetError } from '../errors.ts';
import { elementCount, formatShape, type Shape, sameShape } from '../shape.ts';

/** Whether `shape` is (H,W,C) of the image `expected`, (C,H,W). */
function hasChannelsLast(shape: Shape, expected: Shape): boolean {
  const [channels, height, width] = expected;
  return expected.length === 3 && sameShape(shape, [height, width, channels] as Shape);
}

/**
 * What to give in the place of an inputShape (C,H,W) that looks like (H,W,C), as images of many
 * programs are; null where it does not.
 */
export function channelsFirstAdvice(shape: Shape): string | null {
  if (shape.length !== 3) return null;
  const [height = 0, width = 0, channels = 0] = shape;
  if (height <= 4 || width <= 4 || channels < 1 || channels > 4) return null;
  const named = channels === 1 ? '1 channel' : `${channels} channels`;
  const meant = formatShape([channels, height, width]);
  return `inputShape is (C,H,W), and ${formatShape(shape)} would be ${height} channels of ${width}x${channels}: for images of ${height}x${width} with ${named} give ${meant}, and move the channels of the data first by sn.ops.transpose(x, [0, 3, 1, 2])`;
}

/** Runs `body`, which makes a network for such samples: ERR_SHAPE ends with that advice. */
export function advisingChannelsFirst<T>(inputShape: Shape, body: () => T): T {
  try {
    return body();
  } catch (error) {
    const advice = channelsFirstAdvice(inputShape);
    if (advice === null || !(error instanceof StridenetError) || error.code !== 'ERR_SHAPE') {
      throw error;
    }
    throw new StridenetError('ERR_SHAPE', `${error.message}; ${advice}`, { cause: error });
  }
}

/**
 * What to do with samples of a shape that the network does not take, to stand behind the message;
 * '' where nothing suggests itself.
 * @param shape of all samples, the batch first
 * @param expected of one sample
 */
export function shapeAdvice(shape: Shape, expected: Shape): string {
  const sizes = expected.join(', ');
  if (hasChannelsLast(shape.slice(1), expected)) {
    return ': move the channels first by sn.ops.transpose(x, [0, 3, 1, 2])';
  }
  if (hasChannelsLast(shape, expected)) {
    return `: move the channels first and add the batch, sn.ops.reshape(sn.ops.transpose(x, [2, 0, 1]), [1, ${sizes}])`;
  }
  const swapped = channelsFirstAdvice(expected);
  if (swapped !== null && hasChannelsLast(expected, shape.slice(1))) return `: ${swapped}`;
  if (elementCount(shape) === elementCount(expected)) {
    return `: for one sample give sn.ops.reshape(x, [1, ${sizes}])`;
  }
  if (shape.length > 1 && elementCount(shape.slice(1)) === elementCount(expected)) {
    return `: give sn.ops.reshape(x, [${shape[0]}, ${sizes}])`;
  }
  return '';
}

/** The same for samples that are given one by one, without a batch. */
export function sampleAdvice(_: Shape, expected: Shape): string {
  return `: x of each sample must be (${expected.join(', ')})`;
}
