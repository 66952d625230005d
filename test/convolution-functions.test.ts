import { describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import * as sn from '../lib/index.ts';
import { backends, relativeDistance } from './support/networks.ts';
import { Random } from './support/random.ts';

const { ops } = sn;

function numbers(shape: readonly number[], seed: number, dtype: sn.DType = 'float64'): sn.Tensor {
  const random = new Random(seed);
  const made = sn.zeros(shape, dtype);
  for (let i = 0; i < made.size; i++) made.data[i] = random.uniform(-1, 1);
  return made;
}

/** Winners of 2x2 windows, of which some stand in the padding when there is any. */
function winners(shape: readonly number[]): sn.Tensor {
  const made = sn.zeros(shape, 'uint8');
  for (let i = 0; i < made.size; i++) made.data[i] = (i * 7) % 4;
  return made;
}

interface Function {
  readonly name: string;
  readonly inputs: readonly (readonly number[])[];
  readonly fn: (...inputs: sn.Operand[]) => sn.Operand;
}

/** Functions that are made of operators; what their operators are is tried case by case. */
const functions: Function[] = [
  {
    name: 'conv1d',
    inputs: [[2, 4, 9], [6, 2, 3], [6]],
    fn: (x, w, b) =>
      ops.conv1d(x as sn.Operand, w as sn.Operand, b, { groups: 2, stride: 2, padding: [1, 2] }),
  },
  {
    name: 'conv1d, true convolution',
    inputs: [
      [2, 3, 7],
      [4, 3, 2],
    ],
    fn: (x, w) =>
      ops.conv1d(x as sn.Operand, w as sn.Operand, null, { flipKernel: true, padding: 'same' }),
  },
  {
    name: 'convTranspose2d',
    inputs: [[2, 4, 3, 4], [4, 3, 3, 2], [6]],
    fn: (x, w, b) =>
      ops.convTranspose2d(x as sn.Operand, w as sn.Operand, b, {
        groups: 2,
        stride: 2,
        padding: [
          [1, 0],
          [0, 1],
        ],
        outputPadding: [1, 0],
        dilation: [1, 2],
      }),
  },
  {
    name: 'convTranspose2d to one channel',
    inputs: [[1, 9, 3, 4], [9, 1, 3, 3], [1]],
    fn: (x, w, b) => ops.convTranspose2d(x as sn.Operand, w as sn.Operand, b, { stride: 2 }),
  },
  {
    name: 'depthwise conv2d',
    inputs: [[2, 17, 5, 4], [17, 1, 3, 3], [17]],
    fn: (x, w, b) => ops.conv2d(x as sn.Operand, w as sn.Operand, b, { groups: 17, padding: 1 }),
  },
  {
    name: 'maxPool1d',
    inputs: [[2, 3, 9]],
    fn: (x) => ops.maxPool1d(x as sn.Operand, { kernelSize: 3, stride: 2, padding: 1 }),
  },
  {
    name: 'avgPool1d',
    inputs: [[2, 3, 9]],
    fn: (x) =>
      ops.avgPool1d(x as sn.Operand, {
        kernelSize: 3,
        stride: 2,
        ceilMode: true,
        padding: [1, 0],
        countIncludePad: false,
      }),
  },
  {
    name: 'globalAvgPool1d',
    inputs: [[2, 3, 9]],
    fn: (x) => ops.globalAvgPool1d(x as sn.Operand),
  },
  {
    name: 'globalAvgPool2d',
    inputs: [[2, 3, 4, 5]],
    fn: (x) => ops.globalAvgPool2d(x as sn.Operand),
  },
  {
    name: 'maxUnpool2d',
    inputs: [[2, 3, 3, 4]],
    fn: (y) =>
      ops.maxUnpool2d(y as sn.Operand, winners([2, 3, 3, 4]), {
        kernelSize: 2,
        padding: 1,
        outputSize: [5, 6],
      }),
  },
];

/** Convolution → depthwise → average → unpooling → 1-D convolution → 1-D and adaptive pooling. */
function network(x: sn.Operand, w1: sn.Operand, w2: sn.Operand, w3: sn.Operand): sn.Operand {
  const wide = ops.relu(ops.conv2d(x, w1, null, { padding: 1 }));
  const [pooled, places] = ops.maxPool2dWithWinners(wide, { kernelSize: 2 });
  const deep = ops.conv2d(pooled, w2, null, { groups: 8, padding: 1 });
  const means = ops.avgPool2d(deep, { kernelSize: 3, stride: 1, padding: 1 });
  const back = ops.maxUnpool2d(means, places, { kernelSize: 2 });
  const signals = ops.relu(ops.conv1d(ops.reshape(back, [2, 8, 96]), w3, null, { padding: 1 }));
  const half = ops.maxPool1d(signals, { kernelSize: 2 });
  return ops.adaptiveAvgPool2d(ops.reshape(half, [2, 6, 8, 6]), { outputSize: [3, 4] });
}

describe.each(backends)('functions of convolution and pooling on %s', (backend) => {
  it.each(functions)('$name has the gradient of central differences', ({ fn, inputs }) => {
    const at = inputs.map((shape, i) => numbers(shape, i + 1));
    const { maxError, worst } = sn.gradientCheck(fn, at, { backend, epsilon: 1e-4, seed: 1 });
    expect(maxError, JSON.stringify(worst)).toBeLessThanOrEqual(1e-6);
  });

  it('keep their values and gradients under every layout', () => {
    const specs = [
      [2, 3, 12, 8],
      [8, 3, 3, 3],
      [8, 1, 3, 3],
      [6, 8, 3],
    ].map((shape) => ({ shape, dtype: 'float32' as const }));
    const graph = sn.trace(
      (...sources) => {
        const y = network(...(sources as [sn.Variable, sn.Variable, sn.Variable, sn.Variable]));
        const seed = numbers(y.shape, 9, 'float32');
        return [y, ...(sn.gradients(y as sn.Variable, sources, seed) as sn.Variable[])];
      },
      ...specs,
    );
    const feeds = specs.map(({ shape }, i) => numbers(shape, i + 1, 'float32'));
    const run = (on: sn.BackendName, layout: boolean): sn.Tensor[] => {
      const program = backendOf(on).prepare(graph, { passes: { layout } });
      const { fetches } = program.runSync({ steps: 1, feeds: feeds.map(({ data }) => data) });
      program.dispose();
      return fetches.map((values) => sn.tensor(values as Float32Array, [values.length]));
    };
    const expected = run('reference', true);
    for (const layout of [true, false]) {
      run(backend, layout).forEach((found, i) => {
        const distance = relativeDistance(found, expected[i] as sn.Tensor);
        expect(distance, `output ${i}, layout ${layout}`).toBeLessThanOrEqual(1e-5);
      });
    }
  });
});
