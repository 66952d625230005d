import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { need } from '../lib/ops/operator.ts';

const { add, mul, square, sum } = sn.ops;
const vector = { shape: [3], dtype: 'float64' } as const;
const scalar = { shape: [], dtype: 'float64' } as const;
const x = sn.tensor([1, -2, 3], [3], 'float64');

describe('wrong input', () => {
  const nested: sn.ComputationGraph = sn.trace(
    ({ a, list, k }: { a: sn.Variable; list: sn.Variable[]; k: number }, b: sn.Variable) =>
      sum(mul(add(mul(a, need(list[0])), b), k)),
    { a: vector, list: [vector], k: 2 },
    vector,
  );
  const good = { a: x, list: [x], k: 2 };
  const detached = sn.tensor([1, 2, 3], [3], 'float64');
  structuredClone(detached.data.buffer, { transfer: [detached.data.buffer as ArrayBuffer] });
  const net = sn.sequential({ inputShape: [3], layers: [sn.layers.dense({ units: 2 })] });
  const loss = sn.losses.softmaxCrossEntropy();
  const graph = net.graph({ batch: 4, loss });
  const labels = (count: number): sn.Tensor => sn.zeros([count], 'int32');
  const rows = sn.trace((v: sn.Variable) => square(v), { ...scalar, shape: [1], batched: true });

  const cases: [string, () => unknown, string, string][] = [
    [
      'too few arguments',
      () => nested.evaluate(good),
      'ERR_ARGUMENT',
      '2 arguments (argument 0, x1)',
    ],
    ['too many arguments', () => nested.values(good, x, x), 'ERR_ARGUMENT', 'received 3'],
    ['no object', () => nested.evaluate(x, x), 'ERR_ARGUMENT', 'argument 0 to be an object'],
    [
      'no list',
      () => nested.evaluate({ ...good, list: x }, x),
      'ERR_ARGUMENT',
      'list of argument 0 to be a list',
    ],
    [
      'a missing tensor',
      () => nested.evaluate({ ...good, list: [] }, x),
      'ERR_ARGUMENT',
      'list[0]',
    ],
    [
      'one too many',
      () => nested.evaluate({ ...good, z: x }, x),
      'ERR_ARGUMENT',
      'z of argument 0 was not there',
    ],
    [
      'another number',
      () => nested.evaluate({ ...good, k: 3 }, x),
      'ERR_ARGUMENT',
      'k of argument 0 to be 2',
    ],
    ['no tensor', () => nested.evaluate({ ...good, a: 3 }, x), 'ERR_ARGUMENT', 'a to be a Tensor'],
    [
      'a shape',
      () => nested.evaluate(good, sn.zeros([4], 'float64')),
      'ERR_SHAPE',
      'x1 must be (3)',
    ],
    ['a dtype', () => nested.evaluate(good, sn.zeros([3])), 'ERR_DTYPE', 'x1 must be float64'],
    [
      'lost memory',
      () => nested.evaluate(good, detached),
      'ERR_ARGUMENT',
      'x1 to have memory that was not detached',
    ],
    [
      'more samples than the bound',
      () => graph.evaluate(sn.zeros([5, 3]), labels(5)),
      'ERR_SHAPE',
      'x must be (N, 3), N ≤ 4,',
    ],
    [
      'different numbers of samples',
      () => graph.evaluate(sn.zeros([3, 3]), labels(2)),
      'ERR_SHAPE',
      'x (3, 3) and labels (2)',
    ],
    [
      'a network without loss',
      () => net.graph().evaluate(sn.zeros([1, 3])),
      'ERR_ARGUMENT',
      'the graph gives float32 (1, 2)',
    ],
    [
      'an output without a sample',
      () => rows.evaluate(sn.zeros([0], 'float64')),
      'ERR_ARGUMENT',
      '(1)',
    ],
    [
      'no such input',
      () => graph.cost({ wrt: ['0.wieght'] }),
      'ERR_ARGUMENT',
      'x, 0.weight, 0.bias',
    ],
    ['an inner value', () => graph.cost({ wrt: graph.outputs }), 'ERR_ARGUMENT', 'softmaxCross'],
    ['an integer input', () => graph.cost({ wrt: ['labels'] }), 'ERR_DTYPE', 'int32'],
    ['no list of inputs', () => graph.cost({ wrt: 'x' as never }), 'ERR_ARGUMENT', 'a list'],
    ['a misspelt option of cost', () => graph.cost({ wtr: [] } as never), 'ERR_ARGUMENT', "'wtr'"],
    ['no backend', () => graph.with({ backend: 'gpu' as never }), 'ERR_ARGUMENT', "'gpu'"],
    ['no map of states', () => graph.with({ states: {} as never }), 'ERR_ARGUMENT', 'a Map'],
    [
      'no state',
      () => graph.with({ states: new Map([['x', x]]) }),
      'ERR_ARGUMENT',
      "'0.weight', '0.bias'",
    ],
    [
      'a state of another shape',
      () =>
        graph
          .with({ states: new Map([['0.bias', sn.zeros([3])]]) })
          .values(sn.zeros([1, 3]), labels(1)),
      'ERR_SHAPE',
      '0.bias must be (2)',
    ],
    [
      'states without values',
      () => new sn.ComputationGraph(graph).values(sn.zeros([1, 3]), labels(1)),
      'ERR_ARGUMENT',
      '0.weight',
    ],
    ['no value of the graph', () => graph.nameOf(need(rows.outputs[0])), 'ERR_ARGUMENT', 'nameOf'],
    ['no name', () => graph.named('relu'), 'ERR_ARGUMENT', 'softmaxCrossEntropy'],
    ['no batch', () => net.graph({ batch: 0 }), 'ERR_ARGUMENT', 'batch'],
    ['no loss', () => net.graph({ loss: 'mse' as never }), 'ERR_ARGUMENT', 'sn.losses'],
    [
      'no kind of labels',
      () => net.graph({ loss, labels: 'rows' as never }),
      'ERR_ARGUMENT',
      "'rows'",
    ],
    [
      'labels that the loss does not take',
      () => net.graph({ loss: sn.losses.squaredError(), labels: 'classes' }),
      'ERR_DTYPE',
      'int32',
    ],
    ['a misspelt option', () => net.graph({ bacth: 1 } as never), 'ERR_ARGUMENT', "'bacth'"],
  ];
  it.each(cases)('%s', (_, call, code, message) => {
    expect(call).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});
