import { argumentError, dtypeError, shapeError } from '../errors.ts';
import type { Spec } from '../ops/operator.ts';
import { elementCount, formatShape, sameShape } from '../shape.ts';
import { describe, dtypeOfArray, type Tensor } from '../tensor.ts';
import type { RunRequest } from './backend.ts';

/** Throws ERR_SHAPE or ERR_DTYPE unless `value` can be the value of a state. */
export function checkState(spec: Spec, value: Tensor): void {
  if (value.dtype !== spec.dtype) {
    throw dtypeError('state', `${spec.dtype} is needed but the value is ${describe(value)}`);
  }
  if (!sameShape(value.shape, spec.shape)) {
    throw shapeError(
      'state',
      `shape ${formatShape(spec.shape)} is needed but the value has ${formatShape(value.shape)}`,
    );
  }
}

/** Throws ERR_ARGUMENT, ERR_DTYPE or ERR_SHAPE unless a request fits feeds and batch. */
export function checkRequest(feeds: readonly Spec[], batch: number, request: RunRequest): void {
  const { steps } = request;
  if (!Number.isInteger(steps) || steps < 0) {
    throw argumentError('run', 'steps to be an integer ≥ 0', steps);
  }
  if (request.feeds.length !== feeds.length) {
    throw argumentError('run', `${feeds.length} feeds`, request.feeds.length);
  }
  feeds.forEach((spec, i) => {
    const feed = request.feeds[i];
    if (dtypeOfArray(feed) !== spec.dtype) {
      throw dtypeError('run', `feed ${i} must hold ${spec.dtype} but is ${feed?.constructor.name}`);
    }
    const needed = steps * elementCount(spec.shape);
    if (feed?.length !== needed) {
      throw shapeError('run', `feed ${i} must have ${needed} elements but has ${feed?.length}`);
    }
  });
  if (request.batch === undefined) return;
  if (request.batch.length !== steps) {
    throw argumentError('run', `${steps} batch sizes`, request.batch.length);
  }
  for (const size of request.batch) {
    if (size < 0 || size > batch) {
      throw argumentError('run', `batch sizes from 0 to ${batch}`, size);
    }
  }
}
