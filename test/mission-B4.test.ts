import { describe, expect, it } from 'vitest';
import {
  gradientCheck,
  initializers,
  layers,
  losses,
  type Operand,
  ops,
  sequential,
  type Tensor,
  tensor,
  zeros,
} from '../lib/index.ts';
import { apply, type Variable } from '../lib/ops/operator.ts';
import { reluOperator } from '../lib/ops/relu.ts';
import { backends } from './support/networks.ts';

/** Numbers in (0.1, 1.1), all different. */
function positive(shape: readonly number[]): Tensor {
  const result = zeros(shape, 'float64');
  for (let i = 0; i < result.size; i++) result.data[i] = 0.1 + ((i * 7) % 97) / 97;
  return result;
}

/** A positive value as it is, with a gradient that is a tenth too large in element `flat`. */
function faulty(x: Operand, flat: number): Variable {
  const factors = zeros(x.shape, 'float64');
  factors.data.fill(1);
  factors.data[flat] = 1.1;
  const wrong: typeof reluOperator = {
    ...reluOperator,
    gradient: ({ gradients: [dy] }) => [ops.mul(dy as Operand, factors)],
  };
  return apply(wrong, [x], {}) as Variable;
}

type Subject = Parameters<typeof gradientCheck>[0];

/** Each kind of thing that can be checked, right and with a fault in one known entry. */
const subjects: readonly {
  readonly kind: string;
  readonly right: Subject;
  readonly wrong: Subject;
  readonly inputs: readonly Tensor[];
  readonly worst: { readonly name: string; readonly index: readonly number[] };
}[] = (() => {
  const dense = layers.dense({ units: 3, bias: false });
  const squares = losses.squaredError();
  const twisted: layers.Layer = {
    ...dense,
    parameters: (input) =>
      dense
        .parameters(input)
        .map((each) => ({ ...each, initializer: initializers.uniform({ low: 0.5, high: 1 }) })),
    forward: (x, values, context) =>
      dense.forward(x, { weight: faulty(values.weight as Operand, 7) }, context),
  };
  const net = (layer: layers.Layer) => {
    const made = sequential({
      inputShape: [2, 3],
      dtype: 'float64',
      backend: 'reference',
      layers: [layers.flatten(), layer],
    });
    made.setParameters(new Map([['1.weight', positive([3, 6])]]));
    return made;
  };
  return [
    {
      kind: 'a function of operators',
      right: (a, b) => ops.sum(ops.square(ops.mul(a as Operand, b as Operand))),
      wrong: (a, b) => ops.sum(ops.square(ops.mul(a as Operand, faulty(b as Operand, 5)))),
      inputs: [positive([2, 3]), positive([2, 3])],
      worst: { name: 'input 1', index: [1, 2] },
    },
    {
      kind: 'a layer',
      right: dense,
      wrong: twisted,
      inputs: [positive([2, 4])],
      worst: { name: 'weight', index: [1, 3] },
    },
    {
      kind: 'a loss',
      right: squares,
      wrong: { ...squares, mean: (p, y) => squares.mean(faulty(p, 4), y) },
      inputs: [positive([2, 3]), tensor(Array(6).fill(9), [2, 3], 'float64')],
      worst: { name: 'predictions', index: [1, 1] },
    },
    {
      kind: 'a whole network',
      right: net(dense),
      wrong: net(twisted),
      inputs: [positive([2, 2, 3])],
      worst: { name: '1.weight', index: [1, 1] },
    },
  ];
})();

describe.each(backends)('B4: gradient checking on %s', (backend) => {
  it.each(subjects)('B4: $kind is right', ({ right, inputs }) => {
    const { maxError, worst } = gradientCheck(right, inputs, { backend });
    expect(maxError, JSON.stringify(worst)).toBeLessThan(1e-8);
  });

  it.each(subjects)('B4: a fault in $kind is found at its entry', ({ wrong, inputs, worst }) => {
    const found = gradientCheck(wrong, inputs, { backend });
    expect(found.maxError).toBeGreaterThan(1e-3);
    expect(found.worst).toMatchObject(worst);
  });
});
