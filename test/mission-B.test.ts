import { describe, expect, it, vi } from 'vitest';
import { referenceBackend } from '../lib/backends/reference.ts';
import { removeDeadCode } from '../lib/compiler/deadCode.ts';
import { multiplyAdds } from '../lib/graph/cost.ts';
import {
  compareBackends,
  gradientCheck,
  layers,
  models,
  type Operand,
  ops,
  sequential,
  shape,
  type Tensor,
  tensor,
  zeros,
} from '../lib/index.ts';
import { operators } from '../lib/ops/index.ts';
import { apply } from '../lib/ops/operator.ts';
import { reluOperator } from '../lib/ops/relu.ts';
import { referenceKernels } from '../lib/reference/index.ts';
import { convolve, describeOnBothBackends, single } from './support/backends.ts';
import { Random } from './support/random.ts';

function random(dimensions: readonly number[], dtype: 'float32' | 'float64', seed: number): Tensor {
  const source = new Random(seed);
  const result: Tensor = zeros(dimensions, dtype);
  for (let i = 0; i < result.size; i++) result.data[i] = source.uniform(-1, 1);
  return result;
}

const labels = tensor([1, 0, 3], [3], 'int32');

/** Convolution, ReLU, pooling, dense, ReLU, dense, cross-entropy. */
function network(...[x, w1, b1, w2, b2, w3, b3]: Operand[]): Operand {
  const features = ops.relu(ops.conv2d(x as Operand, w1 as Operand, b1, { padding: 1 }));
  const pooled = ops.flatten(ops.maxPool2d(features, { kernelSize: 2 }));
  const hidden = ops.relu(ops.linear(pooled, w2 as Operand, b2));
  return ops.softmaxCrossEntropy(ops.linear(hidden, w3 as Operand, b3), labels);
}

const networkInputs = (dtype: 'float32' | 'float64'): Tensor[] =>
  [[3, 2, 6, 6], [5, 2, 3, 3], [5], [7, 45], [7], [4, 7], [4]].map((dimensions, i) =>
    random(dimensions, dtype, i + 1),
  );

describeOnBothBackends('B4: gradient checking', (backend) => {
  it('B4: a whole network with its loss agrees with central differences in float64', () => {
    const { maxError, worst } = gradientCheck(network, networkInputs('float64'), { backend });
    expect(maxError, JSON.stringify(worst)).toBeLessThan(1e-7);
  });

  it('B4: a wrong gradient is found and its worst entry reported', () => {
    const doubled = {
      ...reluOperator,
      gradient: ({ gradients: [dy] }: { gradients: readonly (Operand | null)[] }) => [
        ops.add(dy as Operand, dy as Operand),
      ],
    };
    const x = tensor(
      [
        [1, 2],
        [3, -4],
      ],
      [2, 2],
      'float64',
    );
    const fn = (v: Operand) => apply(doubled, [v], {});
    const { maxError, worst } = gradientCheck(fn, [x], { backend, names: ['x'] });
    expect(maxError).toBeGreaterThan(0.1);
    expect(worst?.name).toBe('x');
    expect(worst?.index).toHaveLength(2);
    expect(Math.abs((worst?.actual ?? 0) - (worst?.expected ?? 0))).toBeGreaterThan(0.1);
  });

  it('B4: float32 inputs are refused: their rounding hides what differences show', () => {
    expect(() => gradientCheck(ops.relu, [zeros([2])], { backend })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }),
    );
  });
});

describe('B5: the reference', () => {
  it('B5: has plain loops for every operator, forward and backward', () => {
    for (const name of operators.keys()) expect(referenceKernels.has(name), name).toBe(true);
  });

  it.each([
    ['float32', 1e-5],
    ['float64', 1e-13],
  ] as const)(
    'B5: a whole network and its gradients agree on both backends, %s',
    (dtype, bound) => {
      const { maxError, worst } = compareBackends(network, networkInputs(dtype));
      expect(maxError, JSON.stringify(worst)).toBeLessThan(bound);
    },
  );
});

describe('B6: the cost of the network', () => {
  it('B6, C4: 736,488 multiply-adds forward an image, 1,278,288 backward: 1.74 times', async () => {
    const prepare = vi.spyOn(referenceBackend, 'prepare');
    try {
      const net = models.mnist({ seed: 1, backend: 'reference' });
      const one = { x: zeros([1, 1, 28, 28], 'uint8'), y: zeros([1], 'uint8') };
      await net.fit(one, { epochs: 1, batchSize: 1 });
      const [[graph]] = prepare.mock.calls as [Parameters<typeof referenceBackend.prepare>];
      const { nodes } = removeDeadCode(graph);
      // The loss is checked between the two passes.
      const check = nodes.findIndex(({ operator }) => operator.name === 'checkFinite');
      const forward = multiplyAdds(nodes.slice(0, check));
      const backward = multiplyAdds(nodes.slice(check));
      expect([forward, backward]).toEqual([736_488, 1_278_288]);
      expect((backward / forward).toFixed(2)).toBe('1.74');
    } finally {
      prepare.mockRestore();
    }
  });
});

describe('B7: sizes without running', () => {
  const { convOutputSize, convParameters, samePadding } = shape;

  it('B7: 32x32x3 with ten 5x5 filters, stride 1, pad 2 is 32x32x10 with 760 parameters', () => {
    expect(convOutputSize([32, 32], 5, { padding: 2 })).toEqual([32, 32]);
    const filters = { channels: 3, filters: 10, kernelSize: 5 };
    expect(convParameters(filters)).toBe(760);
    expect(convParameters({ ...filters, bias: false })).toBe(750);
    const net = sequential({
      inputShape: [3, 32, 32],
      layers: [layers.conv2d({ filters: 10, kernelSize: 5, padding: 2 })],
      backend: 'reference',
    });
    expect(net.layers()).toMatchObject([
      {
        ...{ outputShape: [10, 32, 32], parameters: 760, multiplyAdds: 750 * 32 * 32 },
        ...{ activationBytes: 4 * 10 * 32 * 32, parameterBytes: 4 * 760 },
      },
    ]);
  });

  it('B7: 7x7 with 3x3: stride 1 gives 5x5, stride 2 gives 3x3, pad 1 gives 7x7', () => {
    expect(convOutputSize([7, 7], 3)).toEqual([5, 5]);
    expect(convOutputSize([7, 7], 3, { stride: 2 })).toEqual([3, 3]);
    expect(convOutputSize([7, 7], 3, { padding: 1 })).toEqual([7, 7]);
    expect(convOutputSize(7, 3, { stride: 2 })).toBe(3);
  });

  it('B7: a size that does not fit is floored, or an error when strict', () => {
    expect(convOutputSize([7, 7], 3, { stride: 3 })).toEqual([2, 2]);
    expect(() => convOutputSize([7, 7], 3, { stride: 3, strict: true })).toThrow(
      expect.objectContaining({ code: 'ERR_SHAPE' }),
    );
    expect(convOutputSize([7, 7], 3, { stride: 2, strict: true })).toEqual([3, 3]);
  });

  it('B7: an odd filter keeps the size with padding (f − 1)/2 on each side', () => {
    for (const f of [1, 3, 5, 7, 11]) {
      expect(convOutputSize(28, f, { padding: (f - 1) / 2 })).toBe(28);
      expect(samePadding(28, f)).toEqual([(f - 1) / 2, (f - 1) / 2]);
    }
  });
});

const image = [
  [0, 0, 0, 0, 0, 0],
  [0, 1, 2, 0, 3, 0],
  [0, 1, 2, 0, 1, 0],
  [0, 4, 1, 1, 2, 0],
  [0, 0, 0, 2, 1, 0],
  [0, 0, 0, 0, 0, 0],
];
const filters = tensor([
  [
    [
      [0, 1, 0],
      [1, 0, 1],
      [0, 1, 0],
    ],
  ],
  [
    [
      [0, 1, 1],
      [0, 1, 0],
      [1, 1, 0],
    ],
  ],
]);

/** The image moved by (down, right); what leaves is lost, zeros come in. */
function moved(down: number, right: number): number[][] {
  return image.map((row, i) => row.map((_, j) => image[i - down]?.[j - right] ?? 0));
}

function pooled(rows: readonly (readonly number[])[]): Tensor {
  return ops.maxPool2d(ops.relu(convolve(single(rows), filters)), { kernelSize: 2 });
}

describeOnBothBackends('B8: translation', () => {
  const maps = [
    [
      [3, 3, 5, 1],
      [7, 4, 4, 5],
      [2, 7, 5, 3],
      [4, 3, 2, 4],
    ],
    [
      [2, 5, 2, 4],
      [8, 9, 5, 7],
      [7, 3, 4, 6],
      [5, 2, 5, 3],
    ],
  ];

  it('B8: the feature maps of the source', () => {
    expect(convolve(single(image), filters).toArray()).toEqual([maps]);
  });

  it('B8: shifting the input shifts the feature maps', () => {
    const left = convolve(single(moved(0, -1)), filters).toArray() as number[][][][];
    expect(left[0]?.map((map) => map.map((row) => row.slice(0, 3)))).toEqual(
      maps.map((map) => map.map((row) => row.slice(1))),
    );
  });

  it('B8: pooled, and pooled after a move by one pixel to the left: three of eight change', () => {
    const [before, after] = [pooled(image), pooled(moved(0, -1))];
    expect(before.toArray()).toEqual([
      [
        [
          [7, 5],
          [7, 5],
        ],
        [
          [9, 7],
          [7, 6],
        ],
      ],
    ]);
    expect(after.toArray()).toEqual([
      [
        [
          [5, 5],
          [7, 4],
        ],
        [
          [9, 7],
          [5, 6],
        ],
      ],
    ]);
    const changed = Array.from(before.data).filter((value, i) => value !== after.data[i]);
    expect(changed).toHaveLength(3);
  });

  it('B8: for each pooled output there is a shift that leaves it unchanged', () => {
    const before = pooled(image);
    const shifts = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => [down, right] as const));
    const others = shifts.filter(([down, right]) => down !== 0 || right !== 0);
    for (let i = 0; i < before.size; i++) {
      const kept = others.find(
        ([down, right]) => pooled(moved(down, right)).data[i] === before.data[i],
      );
      expect(kept, `output ${i}`).toBeDefined();
    }
  });
});
