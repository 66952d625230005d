import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { detach, failsWith } from './support/errors.ts';

const { add, concat, conv2d, mul, sin, square, squaredError, sum } = sn.ops;

/** A value as untyped code has it. */
function untyped<T>(value: unknown): T {
  return value as T;
}

/** The error of a call. */
function errorOf(call: () => unknown): sn.StridenetError {
  try {
    call();
  } catch (error) {
    return error as sn.StridenetError;
  }
  throw new Error('the call threw nothing');
}

/** A traced value float32 (2, 3) called x. */
function traced(): sn.GraphVariable {
  const spec = { shape: [2, 3], dtype: 'float32', name: 'x' } as const;
  return sn.trace((x: sn.Variable) => x, spec).outputs[0] as sn.GraphVariable;
}

describe('a traced value', () => {
  const members: [string, (v: sn.Tensor) => unknown][] = [
    ['item()', (v) => v.item()],
    ['toArray()', (v) => v.toArray()],
    ['to()', (v) => v.to('int32')],
    ['clone()', (v) => v.clone()],
    ['data', (v) => v.data],
  ];

  it.each(members)('has no %s yet, and says what to do', (name, use) => {
    const call = () => use(untyped<sn.Tensor>(traced()));
    const words = [`[trace] ${name} of [x: float32 (2, 3)]`, 'no numbers yet', 'sn.ops.where'];
    expect(call).toThrow(failsWith('ERR_ARGUMENT', ...words, 'on Tensors'));
  });

  it('has a size', () => {
    expect(traced().size).toBe(6);
  });

  it('is printed, compared and listed without being asked for numbers', () => {
    const v = traced();
    expect(inspect({ v })).toBe('{ v: [x: float32 (2, 3)] }');
    expect(() => inspect(v, { customInspect: false, showHidden: true })).not.toThrow();
    expect(`${v} ${[v]}`).toBe('[x: float32 (2, 3)] [x: float32 (2, 3)]');
    for (const key in v) expect(['data', 'item', 'to', 'clone', 'toArray']).not.toContain(key);
    expect({ v }).toEqual({ v });
    expect(errorOf(() => expect({ v }).toEqual({ v: 1 })).message).toContain('deeply equal');
  });
});

describe.each<[string, () => unknown, string]>([
  ['a traced value', traced, 'no numbers yet'],
  ['a Tensor', () => sn.zeros([2, 3]), 't.item()'],
])('%s in arithmetic of JavaScript', (what, make, advice) => {
  const uses: [string, (v: number) => unknown][] = [
    ['v + 1', (v) => v + 1],
    ['v * 2', (v) => v * 2],
    ['-v', (v) => -v],
    ['v < 0', (v) => v < 0],
    ['Math.sin(v)', (v) => Math.sin(v)],
    ["'' + v", (v) => untyped<string>('') + v],
  ];

  it.each(uses)('%s is refused', (_, use) => {
    const words = [`${what} float32 (2, 3)`, 'sn.ops.add', 'sn.ops.less', 'sn.ops.sin', advice];
    expect(() => use(untyped<number>(make()))).toThrow(failsWith('ERR_ARGUMENT', ...words));
  });
});

describe('JSON', () => {
  const parse = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  it('of a Tensor makes it again', () => {
    const t = sn.tensor(
      [
        [1, 2.5],
        [-3, 4],
      ],
      undefined,
      'float64',
    );
    const json = parse(t) as sn.TensorJson;
    expect(json).toEqual({ dtype: 'float64', shape: [2, 2], data: [1, 2.5, -3, 4] });
    expect(sn.tensor(json.data, json.shape, json.dtype)).toEqual(t);
    expect(String(t)).toContain('2.5');
    expect(() => JSON.stringify(detach(sn.zeros([2])))).toThrow(
      failsWith('ERR_ARGUMENT', 'detached'),
    );
  });

  it('of graphs and evaluations names their values', () => {
    const scalar = { shape: [], dtype: 'float64' } as const;
    const graph = sn.trace((x: sn.Variable) => mul(sin(x), sn.full([], 3, 'float64')), {
      ...scalar,
      name: 'x',
    });
    const json = parse(graph) as sn.GraphJson;
    expect(json.inputs).toEqual([{ ...scalar, name: 'x', producer: null, role: 'feed' }]);
    expect(json.constants).toEqual([{ ...scalar, name: 'constant', producer: null }]);
    expect(json.nodes.map(({ operator, inputs }) => [operator, ...inputs])).toEqual([
      ['sin', 'x'],
      ['mul', 'sin', 'constant'],
    ]);
    expect(json.outputs).toEqual(['mul']);
    expect(parse(graph.outputs[0])).toEqual({ ...scalar, name: null, producer: 'mul' });
    const evaluation = parse(graph.evaluate(sn.full([], 0, 'float64'))) as sn.EvaluationJson;
    expect(evaluation.order).toEqual(['mul', 'sin', 'constant', 'x']);
    expect(evaluation.adjoints.x).toEqual({ ...scalar, data: [3] });
    expect(evaluation.values.sin).toEqual({ ...scalar, data: [0] });
  });
});

describe('a stack', () => {
  const limit = Error.stackTraceLimit;
  afterEach(() => {
    Error.stackTraceLimit = limit;
  });

  const [a, b] = [sn.zeros([1, 3, 8, 8]), sn.zeros([2, 4, 3, 3])];
  it.each<[string, () => unknown]>([
    ['conv2d', () => conv2d(a, b)],
    ['concat', () => concat([a, b])],
    ['squaredError', () => squaredError(a, b)],
    ['a gradient', () => sn.grad((x: sn.Variable) => sum(squaredError(square(add(x, 1)), b)))(a)],
  ])('of %s has the caller, though Node keeps 10 frames', (_, call) => {
    Error.stackTraceLimit = 10;
    expect(errorOf(call).stack).toContain(fileURLToPath(import.meta.url));
    expect(Error.stackTraceLimit).toBe(10);
    Error.stackTraceLimit = 0;
    expect(errorOf(call).stack).not.toContain(' at ');
  });
});
