import { describe, expect, it } from 'vitest';
import type { BackendName, PrepareOptions } from '../lib/backends/backend.ts';
import { backendOf } from '../lib/backends/index.ts';
import { Tracer } from '../lib/graph/graph.ts';
import { cpuInfo } from '../lib/index.ts';
import { need } from '../lib/ops/operator.ts';
import { allocate, Tensor } from '../lib/tensor.ts';
import { attributesOf, type Case, makeInputs } from './cases/case.ts';
import { families } from './cases/index.ts';
import { differingBit, expectation, judge } from './support/judge.ts';
import { operatorNamed } from './support/oracle.ts';

const backends: (PrepareOptions & { backend: BackendName })[] = [
  { backend: 'reference' },
  ...cpuInfo().isas.flatMap((isa) =>
    [1, 3].map((threads) => ({ backend: 'native' as const, isa, threads })),
  ),
];

/** Which inputs hold a sample a row: those of `perSample`, or what losses and weights sum over. */
const batched: Readonly<Record<string, readonly number[]>> = {
  conv2dFilterGradient: [0, 1],
  linearWeightGradient: [0, 1],
  biasGradient: [0],
  softmaxCrossEntropy: [0, 1],
  softmaxCrossEntropyGradient: [0, 1],
  squaredError: [0, 1],
  squaredErrorGradient: [0, 1],
  absoluteError: [0, 1],
  absoluteErrorGradient: [0, 1],
  huber: [0, 1],
  huberGradient: [0, 1],
  binaryCrossEntropy: [0, 1],
  binaryCrossEntropyGradient: [0, 1],
  countCorrect: [0, 1],
  batchNormTraining: [0],
  batchNormGradient: [0, 1],
  layerNormGradient: [0, 1, 2, 3],
  sum: [0],
  mean: [0],
  sumGradient: [1],
  max: [0],
  min: [0],
  argmax: [0],
  argmin: [0],
  gatherGradient: [0, 1],
  dropout: [0],
  spatialDropout: [0],
};

function batchedInputs(tried: Case): readonly number[] {
  return tried.perSample ?? batched[tried.operator] ?? [];
}

/** A tensor whose rows are the first of `x`, then junk up to `rows`. */
function extended(x: Tensor, rows: number): Tensor['data'] {
  const width = x.size / (x.shape[0] as number);
  const longer = allocate(x.dtype, rows * width);
  longer.fill(x.dtype === 'uint8' || x.dtype === 'int32' ? 99 : Number.NaN);
  longer.set(x.data);
  return longer;
}

/** Runs a case as a Program for a larger batch, of which a step has only the case's samples. */
function runInLargerBatch(
  tried: Case,
  inputs: readonly (Tensor | null)[],
  dtype: 'float32' | 'float64',
  { backend, ...options }: PrepareOptions & { backend: BackendName },
): Tensor[] {
  const places = batchedInputs(tried);
  const n = need(inputs[need(places[0])]).shape[0] as number;
  const bound = n + 3;
  const tracer = new Tracer();
  const feeds: Tensor['data'][] = [];
  const variables = inputs.map((input, i) => {
    if (input === null) return null;
    const own = places.includes(i);
    feeds.push(own ? extended(input, bound) : input.data);
    const shape = own ? [bound, ...input.shape.slice(1)] : input.shape;
    return tracer.input({ shape, dtype: input.dtype, batched: own });
  });
  const outputs = tracer.record(
    operatorNamed(tried.operator),
    variables,
    attributesOf(tried, dtype),
  );
  const program = backendOf(backend).prepare(tracer.graph(outputs), options);
  try {
    const { fetches } = program.runSync({ steps: 1, batch: Int32Array.of(n), feeds });
    return outputs.map((output, o) => {
      const shape = output.batched ? [n, ...output.shape.slice(1)] : output.shape;
      const size = shape.reduce((a, b) => a * b, 1);
      return new Tensor(need(fetches[o]).slice(0, size), shape, output.dtype);
    });
  } finally {
    program.dispose();
  }
}

function firstSize(tried: Case, inputs: readonly (Tensor | null)[]): number {
  return inputs[batchedInputs(tried)[0] ?? -1]?.shape[0] ?? 0;
}

/** Every seventh case: sizes and settings of all kinds, at a seventh of the time. */
const tries = Object.entries(families)
  .map(([name, { cases }]) => ({
    name,
    cases: cases
      .filter((tried, i) => i % 7 === 0 || tried.seed < 5)
      .filter((tried) => firstSize(tried, makeInputs(tried, 'float32')) !== 0),
  }))
  .filter(({ cases }) => cases.length > 0);

describe.each(tries)('a step with fewer samples than its Program has: $name', ({ cases }) => {
  for (const tried of cases) {
    it(`${tried.operator}: ${tried.title} (seed ${tried.seed})`, () => {
      for (const dtype of ['float32', 'float64'] as const) {
        const inputs = makeInputs(tried, dtype);
        const expected = expectation(tried, inputs, dtype);
        let first: Tensor[] | null = null;
        for (const options of backends) {
          const outputs = runInLargerBatch(tried, inputs, dtype, options);
          const { worst, where } = judge(outputs, expected);
          expect(worst, `${JSON.stringify(options)}: ${where}`).toBeLessThanOrEqual(1);
          if (options.threads === 1) first = outputs;
          if (options.threads === 3) {
            expect(differingBit(outputs, first as Tensor[]), JSON.stringify(options)).toBeNull();
          }
        }
      }
    });
  }
});
