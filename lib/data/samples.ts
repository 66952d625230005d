import { argumentError, handleRejections, StridenetError, shapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import { checkMemory, Tensor } from '../tensor.ts';

/**
 * Samples and their labels in memory.
 *
 * `x` is (M, …): float32 or float64 of the network's dtype, or uint8, which is scaled by 1/255 on
 * its way into the network unless `scale` says otherwise. `y` is class numbers (M) as int32 or
 * uint8, or targets (M, …) of the network's dtype.
 */
export interface Samples {
  /** (M, …), a sample a row. */
  readonly x: Tensor;
  /** (M) or (M, …), a label or target a row. */
  readonly y: Tensor;
  /** Factor of every value of x; default 1/255 for uint8, else 1. */
  readonly scale?: number;
  /** Of the classes by their numbers, where they are known. */
  readonly classNames?: readonly string[];
}

/** Throws ERR_ARGUMENT unless `data` is an object that may be a data set. */
function checkObject(where: string, data: unknown): void {
  const isPromise =
    typeof (data as Partial<Promise<unknown>> | null | undefined)?.then === 'function';
  if (typeof data !== 'object' || data === null || data instanceof Tensor || isPromise) {
    throw argumentError(where, 'data to be { x, y } of Tensors', data);
  }
  if (!('x' in data) && 'train' in data) {
    handleRejections(data);
    const message =
      'expected data to be { x, y } of Tensors but received { train }: give data.train';
    throw new StridenetError('ERR_ARGUMENT', `[${where}] ${message}`);
  }
}

/** Throws ERR_ARGUMENT or ERR_SHAPE unless `data` is a data set whose x and y have as many rows and their memory. */
export function checkSamples(where: string, data: unknown): asserts data is Samples {
  checkObject(where, data);
  const { x, y, scale } = data as Partial<Samples>;
  if (!(x instanceof Tensor))
    throw argumentError(where, 'data.x to be a Tensor (see sn.tensor)', x);
  if (!(y instanceof Tensor))
    throw argumentError(where, 'data.y to be a Tensor (see sn.tensor)', y);
  checkMemory(where, 'data.x', x);
  checkMemory(where, 'data.y', y);
  if (x.shape.length < 2 || y.shape.length < 1 || x.shape[0] !== y.shape[0]) {
    throw shapeError(
      where,
      `x ${formatShape(x.shape)} and y ${formatShape(y.shape)} must have as many rows, x of rank 2 or more`,
    );
  }
  if (scale !== undefined && !(typeof scale === 'number' && Number.isFinite(scale))) {
    throw argumentError(where, 'data.scale to be a finite number', scale);
  }
}

/** The factor that x is scaled by on its way into the network. */
export function scaleOf(data: Samples): number {
  return data.scale ?? (data.x.dtype === 'uint8' ? 1 / 255 : 1);
}
