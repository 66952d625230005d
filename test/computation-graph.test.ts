import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { small } from './support/networks.ts';

const names = (graph: sn.ComputationGraph): (string | null)[][] =>
  graph.inputs.map(({ role, variable }) => [role, variable.name]);

describe('the graph of a network', () => {
  it('has parameters as states, x and labels as feeds, and layers as scopes', () => {
    const graph = small().graph({ batch: 3, loss: sn.losses.softmaxCrossEntropy() });
    expect(names(graph)).toEqual([
      ['feed', 'x'],
      ...['0.weight', '0.bias', '2.weight', '2.bias', '4.weight', '4.bias'].map((key) => [
        'state',
        key,
      ]),
      ['feed', 'labels'],
    ]);
    expect(graph.nodes.map(({ operator, scope }) => `${operator.name} in ${scope}`)).toEqual([
      'conv2d in 0 (conv2d)',
      'relu in 0 (conv2d)',
      'maxPool2d in 1 (maxPool2d)',
      'conv2d in 2 (conv2d)',
      'relu in 2 (conv2d)',
      'reshape in 3 (flatten)',
      'linear in 4 (dense)',
      'softmaxCrossEntropy in loss',
    ]);
    expect(graph.batch).toBe(3);
    expect(graph.inputs.at(-1)?.variable).toMatchObject({ shape: [3], dtype: 'int32' });
  });

  it('keeps the final activation without a loss, and takes targets where the loss does', () => {
    expect(small().graph().nodes.at(-1)?.operator.name).toBe('softmax');
    const squared = small({ dtype: 'float64' }).graph({ loss: sn.losses.squaredError() });
    expect(squared.inputs.at(-1)?.variable).toMatchObject({ shape: [1, 10], dtype: 'float64' });
    const loss = sn.losses.softmaxCrossEntropy();
    const soft = small().graph({ loss, labels: 'targets' });
    expect(soft.inputs.at(-1)?.variable).toMatchObject({ shape: [1, 10], dtype: 'float32' });
  });
});

describe('the names of values', () => {
  it('are those of inputs and operators, each once', () => {
    const weight = sn.tensor([1, 2, 3], [3], 'float64');
    const graph = sn.trace(
      ({ mul, w }: { mul: sn.Variable; w: sn.Variable }, x: sn.Variable) =>
        sn.ops.add(sn.ops.mul(mul, w), sn.ops.mul(x, weight)),
      { mul: weight, w: weight },
      weight,
    );
    const all = [
      ...graph.inputs.map(({ variable }) => variable),
      ...graph.constants.keys(),
      ...graph.nodes.flatMap(({ outputs }) => outputs),
    ];
    expect(all.map((value) => graph.nameOf(value))).toEqual([
      ...['mul', 'w', 'x1', 'constant', 'mul_2', 'mul_3', 'add'],
    ]);
  });
});
