import { describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { gradients } from '../lib/graph/differentiate.ts';
import { Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Operand, Variable } from '../lib/ops/operator.ts';
import { Generator } from '../lib/random.ts';
import { backends } from './support/networks.ts';

const { ops } = sn;
const kept = (x: sn.Tensor): boolean[] => Array.from(x.data, (value) => value !== 0);

describe('the mask of dropout', () => {
  const count = 200_000;
  const ones = sn.full([count], 1);

  it.each([0.1, 0.5, 0.8])('drops a part of %f', (rate) => {
    const y = ops.dropout(ones, { rate, seed: 7 });
    const dropped = count - kept(y).filter(Boolean).length;
    // five standard deviations of a binomial
    const bound = 5 * Math.sqrt(count * rate * (1 - rate));
    expect(Math.abs(dropped - count * rate)).toBeLessThan(bound);
    for (const value of y.data) if (value !== 0) expect(value).toBe(Math.fround(1 / (1 - rate)));
  });

  it.each([
    ['steps', { step: 1 }],
    ['seeds', { seed: 8 }],
    ['high words of seeds', { seed: 7 + 2 ** 32 }],
    ['high words of steps', { step: 2 ** 32 }],
    ['streams', { stream: 'second' }],
  ])('is independent of that of other %s', (_, other) => {
    const first = kept(ops.dropout(ones, { seed: 7 }));
    const second = kept(ops.dropout(ones, { seed: 7, ...other }));
    const alike = first.filter((value, i) => value === second[i]).length;
    expect(Math.abs(alike - count / 2)).toBeLessThan(5 * Math.sqrt(count / 4));
  });

  it('is independent of its neighbours', () => {
    const mask = kept(ops.dropout(ones, { seed: 7 }));
    for (const distance of [1, 2, 3, 4, 64]) {
      const pairs = count - distance;
      const alike = mask.filter((value, i) => i < pairs && value === mask[i + distance]).length;
      expect(Math.abs(alike - pairs / 2)).toBeLessThan(5 * Math.sqrt(pairs / 4));
    }
  });

  it('drops whole channels when spatial', () => {
    const y = ops.spatialDropout(sn.full([50, 40, 3, 3], 1), { rate: 0.25, seed: 1 });
    let dropped = 0;
    for (let channel = 0; channel < 2000; channel++) {
      const values = new Set(y.data.slice(9 * channel, 9 * channel + 9));
      expect(values.size).toBe(1);
      if (values.has(0)) dropped++;
    }
    expect(Math.abs(dropped - 500)).toBeLessThan(5 * Math.sqrt(2000 * 0.25 * 0.75));
  });

  it('changes nothing at rate 0', () => {
    const x = sn.tensor([1.5, -0, Number.NaN, 1 / 3]);
    expect(ops.dropout(x, { rate: 0, seed: 1 }).toArray()).toEqual(x.toArray());
  });
});

/** Both dropouts between convolutions, and the gradient of what comes out to x. */
function network(step: number) {
  const random = new Generator(3, 'dropout');
  const made = (...shape: number[]): sn.Tensor => {
    const result = sn.zeros(shape);
    for (let i = 0; i < result.size; i++) result.data[i] = random.integer(17) - 8;
    return result;
  };
  const feeds = [
    made(3, 2, 13, 9),
    made(70, 2, 1, 1),
    made(4, 70, 1, 1),
    sn.tensor(step, [], 'float64'),
  ];
  const tracer = new Tracer();
  const [x, first, second, at] = feeds.map(({ shape, dtype }, i) =>
    tracer.input({ shape, dtype, batched: i === 0 }),
  ) as unknown as [Variable, Variable, Variable, Variable];
  const a = ops.dropout(ops.conv2d(x, first), { seed: 5, step: at });
  const b = ops.spatialDropout(a, { seed: 5, step: at, stream: 'channels' });
  const y = ops.conv2d(b, second);
  const seed = made(...y.shape);
  feeds.push(seed);
  const dy = tracer.input({ ...seed, shape: seed.shape, dtype: 'float32', batched: true });
  const wanted = gradients(y, [x, second], dy) as Operand[];
  return { graph: tracer.graph([y, ...wanted]), feeds };
}

function run(step: number, backend: sn.BackendName, layout: boolean, threads?: number) {
  const { graph, feeds } = network(step);
  const program = backendOf(backend).prepare(graph, {
    passes: { layout },
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const { fetches } = program.runSync({ steps: 1, feeds: feeds.map(({ data }) => data) });
    return fetches.map((values) => [...values]);
  } finally {
    program.dispose();
  }
}

describe.each(backends)('dropout between convolutions on %s', (backend) => {
  // integers times powers of two: sums are exact, so that a wrong mask cannot hide
  const expected = run(11, 'reference', true);

  it('has the mask of the public order in both layouts, on any number of threads', () => {
    for (const layout of [true, false]) {
      for (const threads of [1, 2, 5]) {
        expect(run(11, backend, layout, threads), `${layout}, ${threads}`).toEqual(expected);
      }
    }
  });

  it('has another mask in another step', () => {
    expect(run(12, backend, true)).not.toEqual(expected);
  });
});
