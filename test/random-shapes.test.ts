import { describe, expect, it } from 'vitest';
import { evaluate } from '../lib/backends/evaluate.ts';
import { cpuInfo, ops, type Tensor, tensor, zeros } from '../lib/index.ts';
import { at4 } from '../lib/reference/indexing.ts';
import { casesOfAvgPooling } from './cases/avgPool2d.ts';
import { attributesOf, type Case, makeInputs, seeds } from './cases/case.ts';
import { casesOfConvolution } from './cases/conv2d.ts';
import { casesOfMaxPooling } from './cases/maxPool2d.ts';
import { differingBit, expectation, judge } from './support/judge.ts';
import { operatorNamed } from './support/oracle.ts';
import { Random } from './support/random.ts';
import {
  casesOrNull,
  drawAvgPooling,
  drawConvolution,
  drawMaxPooling,
} from './support/randomShapes.ts';

const { isas } = cpuInfo();

/** Every operator of a shape on every ISA against the reference loops. */
function tryCase(tried: Case, seed: number): void {
  const dtype = seed % 4 < 2 ? 'float32' : 'float64';
  const operator = operatorNamed(tried.operator);
  const attributes = attributesOf(tried, dtype);
  const inputs = makeInputs(tried, dtype);
  const expected = expectation(tried, inputs, dtype);
  const place = `${tried.operator} ${dtype}: ${tried.title} (seed ${seed})`;
  for (const isa of isas) {
    const run = (threads: number) =>
      evaluate(operator, inputs, attributes, { backend: 'native', isa, threads });
    const result = run(1);
    const { worst, where } = judge(result, expected);
    if (worst > 1) expect.fail(`${place} on ${isa}: ${where}`);
    if (seed % 5 !== 0) continue;
    const differing = differingBit(run(3), result);
    if (differing !== null) expect.fail(`${place} with 3 threads on ${isa}: ${differing}`);
  }
}

/** A quarter of the cases of a shape: whole numbers or reals, by the seed. */
function tryShape<S>(seed: number, draw: (seed: number) => S, cases: (shape: S) => Case[]): void {
  let at = seed * 31;
  let made = casesOrNull(draw(at), cases);
  while (made === null) made = casesOrNull(draw(++at), cases);
  const values = seed % 2 === 0 ? /integers|ties/ : /reals/;
  for (const tried of made) if (values.test(tried.title)) tryCase(tried, seed);
}

const kinds = [
  {
    name: 'convolution: forward, input and filter gradient',
    count: 1200,
    tryOne: (seed: number) => tryShape(seed, drawConvolution, casesOfConvolution),
  },
  {
    name: 'max pooling and its gradients under every tie rule',
    count: 450,
    tryOne: (seed: number) => tryShape(seed, drawMaxPooling, casesOfMaxPooling),
  },
  {
    name: 'average pooling, fixed and adaptive, and its gradients',
    count: 350,
    tryOne: (seed: number) => tryShape(seed, drawAvgPooling, casesOfAvgPooling),
  },
];

const batch = 100;

describe.each(kinds)('random shapes of $name', ({ count, tryOne }) => {
  const all = seeds(count);
  for (let first = 0; first < all.length; first += batch) {
    const some = all.slice(first, first + batch);
    it(`seeds ${some[0]} to ${some.at(-1)}`, () => {
      for (const seed of some) tryOne(seed);
    });
  }
});

function whole(random: Random, shape: readonly number[]): Tensor {
  const made = zeros(shape, 'float64');
  for (let i = 0; i < made.size; i++) made.data[i] = random.integer(-9, 9);
  return made;
}

function padded(row: readonly number[], before: number, after: number): number[] {
  return [...new Array(before).fill(0), ...row, ...new Array(after).fill(0)];
}

/** Signal (n, c) of x (N,C,L). */
function signal(x: Tensor, n: number, c: number): number[] {
  const [, C = 0, L = 0] = x.shape;
  return [...x.data.slice((n * C + c) * L, (n * C + c + 1) * L)];
}

function tryConv1d(seed: number): void {
  const random = new Random(seed * 101);
  const [groups, perGroup, filters] = [1, 2, 3].map(() => random.integer(1, 3)) as [
    number,
    number,
    number,
  ];
  const [stride, dilation, S] = [random.integer(1, 4), random.integer(1, 3), random.integer(1, 4)];
  const [before, after] = [random.integer(0, 3), random.integer(0, 5)];
  const L = dilation * (S - 1) + random.integer(1, 9);
  const flipKernel = random.next() < 0.3;
  const x = whole(random, [2, groups * perGroup, L]);
  const weight = whole(random, [groups * filters, perGroup, S]);
  const bias = whole(random, [groups * filters]);
  const options = { stride, dilation, groups, padding: [before, after] as const, flipKernel };
  const y = ops.conv1d(x, weight, bias, options);
  const [, K = 0, Q = 0] = y.shape;
  expect(Q).toBe(Math.floor((L + before + after - dilation * (S - 1) - 1) / stride) + 1);
  const expected: number[] = [];
  for (let n = 0; n < 2; n++) {
    for (let k = 0; k < K; k++) {
      const group = Math.floor(k / filters);
      for (let q = 0; q < Q; q++) {
        let sum = bias.data[k] as number;
        for (let c = 0; c < perGroup; c++) {
          const row = padded(signal(x, n, group * perGroup + c), before, after);
          const taps = signal(weight, k, c);
          if (flipKernel) taps.reverse();
          taps.forEach((tap, s) => {
            sum += tap * (row[q * stride + s * dilation] as number);
          });
        }
        expected.push(sum);
      }
    }
  }
  expect([...y.data], `conv1d (seed ${seed}) ${JSON.stringify(options)}`).toEqual(expected);
}

/** Spreads every input pixel over its output window, on an output that is cut afterwards. */
function tryConvTranspose2d(seed: number): void {
  const random = new Random(seed * 103);
  const pair = (low: number, high: number) =>
    [random.integer(low, high), random.integer(low, high)] as const;
  const [groups, perGroup, filters] = [pair(1, 2)[0], pair(1, 3)[0], pair(1, 3)[0]];
  const [stride, dilation, [R, S], [P, Q]] = [pair(1, 3), pair(1, 2), pair(1, 3), pair(2, 5)];
  const cut = [pair(0, 1), pair(0, 1)] as const;
  const outputPadding = [
    random.integer(0, stride[0] - 1),
    random.integer(0, stride[1] - 1),
  ] as const;
  const H = (P - 1) * stride[0] + dilation[0] * (R - 1) + 1 - cut[0][0] - cut[0][1];
  const W = (Q - 1) * stride[1] + dilation[1] * (S - 1) + 1 - cut[1][0] - cut[1][1];
  const [height, width] = [H + outputPadding[0], W + outputPadding[1]];
  if (height < 1 || width < 1) return;
  const [K, C] = [groups * filters, groups * perGroup];
  const x = whole(random, [2, K, P, Q]);
  const weight = whole(random, [K, perGroup, R, S]);
  const options = { stride, dilation, groups, padding: cut, outputPadding };
  const bias = whole(random, [C]);
  const expected = zeros([2, C, height, width], 'float64');
  expected.data.forEach((_, i) => {
    const channel = Math.floor(i / (height * width)) % C;
    expected.data[i] = bias.data[channel] as number;
  });
  for (let n = 0; n < 2; n++)
    for (let k = 0; k < K; k++)
      for (let c = 0; c < perGroup; c++)
        for (let p = 0; p < P; p++)
          for (let q = 0; q < Q; q++)
            for (let r = 0; r < R; r++)
              for (let s = 0; s < S; s++) {
                const h = p * stride[0] + r * dilation[0] - cut[0][0];
                const w = q * stride[1] + s * dilation[1] - cut[1][0];
                if (h < 0 || h >= height || w < 0 || w >= width) continue;
                const channel = Math.floor(k / filters) * perGroup + c;
                const at = at4(expected.shape, n, channel, h, w);
                expected.data[at] =
                  (expected.data[at] as number) +
                  (x.data[at4(x.shape, n, k, p, q)] as number) *
                    (weight.data[at4(weight.shape, k, c, r, s)] as number);
              }
  const y = ops.convTranspose2d(x, weight, bias, options);
  expect(differingBit([y], [expected]), `(seed ${seed}) ${JSON.stringify(options)}`).toBeNull();
}

/** Unpooling what was pooled leaves the winners and nothing else. */
function tryMaxUnpool2d(seed: number): void {
  const { x: shape, options } = drawMaxPooling(seed * 107);
  const random = new Random(seed);
  const order = random.permutation(shape.reduce((a, b) => a * b, 1));
  const x = tensor(
    Float64Array.from(order, (i) => i + 1),
    shape,
  );
  const { ceilMode: _, ties: __, padding, ...windows } = options;
  const pool = (): [Tensor, Tensor] | null => {
    try {
      return ops.maxPool2dWithWinners(x, options);
    } catch {
      return null;
    }
  };
  const pooled = pool();
  if (pooled === null || typeof padding === 'string') return;
  const [y, winners] = pooled;
  const outputSize = [shape[2], shape[3]] as const;
  const back = ops.maxUnpool2d(y, winners, {
    ...windows,
    ...(padding === undefined ? {} : { padding }),
    outputSize,
  });
  expect(back.shape, `seed ${seed}`).toEqual(x.shape);
  // A cell that several windows won holds a multiple of its value.
  const maxima = new Set(y.data);
  for (let i = 0; i < x.size; i++) {
    const value = x.data[i] as number;
    const times = (back.data[i] as number) / value;
    expect(Number.isInteger(times) && times > 0, `cell ${i} (seed ${seed})`).toBe(
      maxima.has(value),
    );
  }
}

describe('random shapes against loops of this file', () => {
  it.each([
    { name: 'conv1d', count: 150, tryOne: tryConv1d },
    { name: 'convTranspose2d', count: 150, tryOne: tryConvTranspose2d },
    { name: 'maxUnpool2d', count: 150, tryOne: tryMaxUnpool2d },
  ])('$name', ({ count, tryOne }) => {
    for (const seed of seeds(count)) tryOne(seed);
  });
});
