import { need } from '../../lib/ops/operator.ts';
import { type FloatDType, Tensor } from '../../lib/tensor.ts';
import { attributesOf, type Case } from '../cases/case.ts';
import { absolute, oracle, widened } from './oracle.ts';

/** What a case must give in a dtype: values and how far from them a result may be. */
export interface Expectation {
  readonly outputs: readonly Tensor[];
  /** A bound for every element; null: the bits of `outputs`. */
  readonly bounds: readonly (ArrayLike<number> | null)[];
}

/** The largest error in units of its bound, and where it is. */
export interface Verdict {
  readonly worst: number;
  readonly where: string;
}

/** Half the spacing of numbers at 1. */
export function roundingUnit(dtype: FloatDType): number {
  return dtype === 'float32' ? 2 ** -24 : 2 ** -53;
}

const smallest = { float32: 2 ** -126, float64: 2 ** -1022 };

/** Runs the reference, in float64 unless the case is exact, and derives the bounds. */
export function expectation(
  tried: Case,
  inputs: readonly (Tensor | null)[],
  dtype: FloatDType,
): Expectation {
  const { operator, model } = tried;
  if (model.kind === 'exact') {
    const outputs = oracle(operator, inputs, attributesOf(tried, dtype));
    return { outputs, bounds: outputs.map(() => null) };
  }
  const attributes = attributesOf(tried, 'float64');
  const wide = widened(inputs);
  const outputs = oracle(operator, wide, attributes);
  const u = roundingUnit(dtype);
  if (model.kind === 'composed') {
    return { outputs, bounds: model.bounds(wide, outputs, u, attributes) };
  }
  if (model.kind === 'ulp') {
    const bounds = outputs.map(({ data }) =>
      Array.from(data, (y) => 2 * u * model.ulps * Math.abs(y) + smallest[dtype]),
    );
    return { outputs, bounds };
  }
  const { terms } = model;
  const magnitudes = oracle(operator, absolute(wide, model.absolute), attributes);
  const bounds = outputs.map(({ data, dtype: own }, o) =>
    own === 'float64'
      ? Array.from(data, (y, i) => {
          const S = need(magnitudes[o]).data[i] as number;
          return 4 * Math.sqrt(terms) * u * S + u * Math.abs(y) + terms * smallest[dtype];
        })
      : null,
  );
  return { outputs, bounds };
}

function errorOf(actual: number, expected: number, bound: number | undefined): number {
  if (Object.is(actual, expected)) return 0;
  if (bound === undefined || !Number.isFinite(expected)) return Number.POSITIVE_INFINITY;
  const difference = Math.abs(actual - expected);
  if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
  return difference === 0 ? 0 : difference / bound;
}

/** Compares outputs with what is expected of them. */
export function judge(actual: readonly Tensor[], { outputs, bounds }: Expectation): Verdict {
  if (actual.length !== outputs.length) {
    return { worst: Number.POSITIVE_INFINITY, where: `${actual.length} outputs` };
  }
  let [worst, where] = [0, 'nowhere'];
  for (const [o, expected] of outputs.entries()) {
    const { shape, data } = need(actual[o]);
    if (shape.join() !== expected.shape.join()) {
      return { worst: Number.POSITIVE_INFINITY, where: `output ${o} of shape (${shape})` };
    }
    for (let i = 0; i < expected.size; i++) {
      const [a, e] = [data[i] as number, expected.data[i] as number];
      const bound = bounds[o]?.[i];
      const error = errorOf(a, e, bound);
      if (error > worst) {
        worst = error;
        where = `output ${o}, element ${i} of (${shape}): ${a} where the reference has ${e}, bound ${bound ?? 0}`;
      }
    }
  }
  return { worst, where };
}

/** Where two lists of tensors differ in a bit; null when nowhere. NaN equals NaN. */
export function differingBit(a: readonly Tensor[], b: readonly Tensor[]): string | null {
  const { worst, where } = judge(a, { outputs: b, bounds: b.map(() => null) });
  return worst === 0 ? null : where;
}

/** Row `n` of a tensor, as a tensor of one row. */
export function rowOf(tensor: Tensor, n: number): Tensor {
  const size = tensor.size / (tensor.shape[0] as number);
  const data = tensor.data.slice(n * size, (n + 1) * size);
  return new Tensor(data, [1, ...tensor.shape.slice(1)], tensor.dtype);
}
