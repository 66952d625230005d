import { argumentError, StridenetError } from '../../errors.ts';
import { elementCount } from '../../shape.ts';
import { Tensor } from '../../tensor.ts';
import { labelIn, type Sample, type SampleSource } from '../sample.ts';
import type { Samples } from '../samples.ts';
import { type Awaitable, dropped, type Item, isPromise, nameSample } from './reader.ts';
import { indexed, noTraits, type Stage } from './stage.ts';

/** Values that can be had by their place. */
interface Places {
  readonly count: number;
  readonly drops?: boolean;
  /** What null stands for; without it, for itself. */
  ofNull?(place: number): typeof dropped;
  get(place: number): unknown;
  labelAt(place: number): number | undefined;
  samples?(): Samples | null;
}

function placeStage<T>({ count, get, ofNull, labelAt, samples, drops }: Places): Stage<T> {
  const given = (value: unknown, index: number): Item<T> | typeof dropped =>
    value === null && ofNull ? ofNull(index) : { index, value: value as T };
  const read = (index: number): Awaitable<Item<T> | typeof dropped> => {
    let value: unknown;
    try {
      value = get(index);
    } catch (error) {
      throw nameSample(error, index);
    }
    if (!isPromise(value)) return given(value, index);
    return Promise.resolve(value).then(
      (found) => given(found, index),
      (error) => {
        throw nameSample(error, index);
      },
    );
  };
  const view = { get: read };
  return indexed(
    { count, view: () => view, labelAt, samples: samples ?? (() => null) },
    { span: count, traits: { ...noTraits, drops: drops ?? false } },
  );
}

/** The values of an array as it is now. */
export function arraySource<T>(values: readonly T[]): Stage<T> {
  const own = [...values];
  return placeStage({
    count: own.length,
    get: (place) => own[place],
    labelAt: (place) => labelIn(own[place]),
  });
}

/** A row of a tensor, in memory of its own: functions of the user may write into it. */
function row({ data, shape, dtype }: Tensor, place: number): Tensor {
  const inner = shape.slice(1);
  const size = elementCount(inner);
  return new Tensor(data.slice(place * size, (place + 1) * size), inner, dtype);
}

/** Samples in memory. Class numbers become numbers. */
export function samplesSource(samples: Samples): Stage<Sample> {
  const { x, y } = samples;
  const numbered = y.shape.length === 1 && (y.dtype === 'int32' || y.dtype === 'uint8');
  const labelAt = (place: number): number | undefined => (numbered ? y.data[place] : undefined);
  return placeStage<Sample>({
    count: x.shape[0] as number,
    get: (place) => ({ x: row(x, place), y: labelAt(place) ?? row(y, place) }),
    labelAt,
    samples: () => samples,
  });
}

/** A source of the user's. Throws ERR_ARGUMENT unless its length is one. */
export function sampleSource<T>(source: SampleSource<T>): Stage<T> {
  const { length, mayDrop = false } = source;
  if (!Number.isInteger(length) || length < 0 || length >= 2 ** 31) {
    throw argumentError('data.from', 'length to be an integer from 0 to 2^31 − 1', length);
  }
  return placeStage<T>({
    ...{ count: length, drops: mayDrop },
    get: (place) => source.get(place),
    ofNull(place) {
      if (mayDrop) return dropped;
      throw new StridenetError(
        'ERR_ARGUMENT',
        `[data.from] get gave null for sample ${place}; only a source with mayDrop: true passes samples over`,
      );
    },
    labelAt(place) {
      const label = source.labelOf?.(place);
      return Number.isInteger(label) ? label : undefined;
    },
  });
}
