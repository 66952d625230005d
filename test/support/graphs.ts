import { gradients } from '../../lib/graph/differentiate.ts';
import { type Graph, type GraphVariable, Tracer } from '../../lib/graph/graph.ts';
import * as sn from '../../lib/index.ts';
import { checkFinite } from '../../lib/ops/checkFinite.ts';
import type { Variable } from '../../lib/ops/operator.ts';
import type { Optimizer } from '../../lib/optimizers/index.ts';
import { Generator } from '../../lib/random.ts';

const { conv2d, linear, maxPool2d, relu, flatten, softmaxCrossEntropy, countCorrect, add } = sn.ops;

/** A tensor of numbers in [-1, 1). */
export function random(
  shape: number[],
  seed: number,
  dtype: 'float32' | 'float64' = 'float32',
): sn.Tensor {
  const generator = new Generator(seed);
  const tensor = sn.zeros(shape, dtype);
  for (let i = 0; i < tensor.size; i++) tensor.data[i] = 2 * generator.uniform() - 1;
  return tensor;
}

type Six = readonly [Variable, Variable, Variable, Variable, Variable, Variable];

/** Samples of a step, and steps of the training below. */
export const batch = 6;
export const steps = 3;
/** Of the input and the parameters of the network below. */
export const shapes = {
  x: [batch, 3, 12, 12],
  w1: [8, 3, 3, 3],
  b1: [8],
  w2: [5, 8, 2, 2],
  w3: [7, 5 * 4 * 4],
  b3: [7],
};

function network(
  x: Variable,
  w1: Variable,
  b1: Variable,
  w2: Variable,
  w3: Variable,
  b3: Variable,
): Variable {
  const first = maxPool2d(relu(conv2d(x, w1, b1, { padding: 1 })), { kernelSize: 2 });
  const second = relu(
    conv2d(first, w2, null, {
      padding: [
        [0, 1],
        [1, 0],
      ],
    }),
  );
  return linear(flatten(maxPool2d(second, { kernelSize: 3, stride: 1 })), w3, b3);
}

/** Loss and all gradients of a network with two convolutions, pools and a dense layer. */
export function trainingGraph(): { graph: Graph; feeds: sn.Tensor[] } {
  const tracer = new Tracer();
  const variables = Object.entries(shapes).map(([name, shape]) =>
    tracer.input({ shape, dtype: 'float32', batched: name === 'x' }),
  );
  const labels = tracer.input({ shape: [batch], dtype: 'int32', batched: true });
  const [x, w1, b1, w2, w3, b3] = variables as readonly Variable[] as Six;
  const logits = network(x, w1, b1, w2, w3, b3);
  const loss = softmaxCrossEntropy(logits, labels);
  const graph = tracer.graph([loss, logits, ...(gradients(loss, variables) as Variable[])]);
  const feeds = Object.values(shapes).map((shape, i) => random(shape, 10 + i));
  return { graph, feeds: [...feeds, sn.tensor([0, 6, 3, 3, 1, 5], [batch], 'int32')] };
}

/**
 * A whole training step of that network: Adam on the convolutions, SGD with momentum on the rest,
 * and values that nobody needs.
 */
export function stepGraph(): { graph: Graph; feeds: sn.Tensor[]; states: sn.Tensor[] } {
  const tracer = new Tracer();
  const states: sn.Tensor[] = [];
  const state = (shape: number[], value: sn.Tensor = sn.zeros(shape)): GraphVariable => {
    states.push(value);
    return tracer.input({ shape, dtype: 'float32' }, 'state');
  };
  const { x: ofX, ...ofParameters } = shapes;
  const parameters = Object.values(ofParameters).map((shape, i) =>
    state(shape, random(shape, 20 + i)),
  );
  const rules = parameters.map((_, i) =>
    i < 3 ? sn.optimizers.adam(1e-2) : sn.optimizers.sgd({ momentum: 0.9, nesterov: true }),
  );
  const slots = parameters.map(({ shape }, i) => rules[i]?.slots.map(() => state([...shape])));
  const x = tracer.input({ shape: ofX, dtype: 'float32', batched: true });
  const labels = tracer.input({ shape: [batch], dtype: 'int32', batched: true });
  const step = tracer.input({ shape: [], dtype: 'float64' });
  const learningRate = tracer.input({ shape: [], dtype: 'float64' });
  const logits = network(...([x, ...parameters] as unknown as Six));
  const loss = softmaxCrossEntropy(logits, labels) as GraphVariable;
  const correct = countCorrect(logits, labels);
  checkFinite(loss);
  relu(add(logits, logits));
  const updates = gradients(loss, parameters).flatMap((gradient, i) => {
    const parameter = parameters[i] as GraphVariable;
    const own = slots[i] as GraphVariable[];
    const key = `${i}.weight`;
    const known = { key, name: 'weight', parameter, slots: own, step, learningRate };
    const next = (rules[i] as Optimizer).update({ ...known, gradient: gradient as GraphVariable });
    return [parameter, ...own].map((each, s) => ({ state: each, value: next[s] as GraphVariable }));
  });
  const labelsOf = sn.tensor(
    Array.from({ length: steps * batch }, (_, i) => (i * 5) % 7),
    [steps, batch],
    'int32',
  );
  const numbers = [1, 2, 3].map((number) => [number, 0.05 / number]);
  const scalars = [0, 1].map((i) =>
    sn.tensor(
      numbers.map((pair) => pair[i] as number),
      [steps],
      'float64',
    ),
  );
  const feeds = [random([steps, ...ofX], 30), labelsOf, ...scalars];
  return { graph: tracer.graph([loss, correct], updates), feeds, states };
}
