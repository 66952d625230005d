import { elementCount, type Shape, sameShape } from '../shape.ts';

/** Whether `shape` is (H,W,C) of the image `expected`, (C,H,W). */
function hasChannelsLast(shape: Shape, expected: Shape): boolean {
  const [channels, height, width] = expected;
  return expected.length === 3 && sameShape(shape, [height, width, channels] as Shape);
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
