import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { detach, failsWith } from './support/errors.ts';
import { encodeSafetensors, readSafetensors } from './support/safetensors.ts';
import { errorOf, small, traced, untyped } from './support/stumbles.ts';

const { add, concat, conv2d, mul, sin, square, squaredError, sum } = sn.ops;

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

describe('console.log of a network', () => {
  it('shows its summary, deep within other objects one line', () => {
    const net = small();
    expect(inspect(net)).toBe(`Network float32\n${net.summary()}`);
    expect(inspect({ net })).toContain('multiply-adds');
    const line = '[Network float32 (2) → (3), 27 parameters]';
    expect(inspect({ a: { b: { net } } })).toContain(line);
    expect(inspect(net, { depth: 0 })).toContain('multiply-adds');
  });
});

describe('an unknown key', () => {
  const net = small();
  const set = (key: string) => net.setParameters(new Map([[key, sn.zeros([3])]]));
  const count = "of 4: 'features.weight', 'features.bias', 'head.weight', 'head.bias'";

  it.each<[string, string]>([
    [
      'head.bais',
      `[setParameters] 'head.bais' is no key of this network: did you mean 'head.bias'? (${count})`,
    ],
    ['bias', `'bias' is no key of this network: did you mean 'features.bias'?`],
    [
      'module.head.bias',
      `'module.head.bias' is no key of this network, but without the prefix 'module.' it is one`,
    ],
    [
      'classifier.6.gain',
      `[setParameters] 'classifier.6.gain' is no key of this network; ${count}`,
    ],
  ])("'%s' is named first, with the nearest one", (key, message) => {
    expect(errorOf(() => set(key))).toMatchObject({ code: 'ERR_ARGUMENT' });
    expect(errorOf(() => set(key)).message).toContain(message);
  });

  it('stands beside the first and the last of many', () => {
    const keys = /'conv1.x' is no key of this network; of \d\d+: 'conv1.weight' … '[^']+'$/;
    expect(() => sn.models.resnet18().setParameters(new Map([['conv1.x', sn.zeros([1])]]))).toThrow(
      keys,
    );
  });

  it('is named by all that take keys', async () => {
    const data = { x: sn.zeros([1, 2]), y: sn.zeros([1], 'int32') };
    const unknown = new Map([['haed.bias', sn.zeros([3])]]);
    const words = ["'haed.bias'", "did you mean 'head.bias'?"];
    const refused = failsWith('ERR_ARGUMENT', ...words);
    expect(() => net.apply(data.x, unknown)).toThrow(refused);
    expect(() => net.graph().with({ states: unknown })).toThrow(refused);
    expect(() => net.graph().named('haed.bias')).toThrow(refused);
    await expect(net.fit(data, { frozen: ['haed.bias'] })).rejects.toThrow(refused);
    const layer = failsWith('ERR_ARGUMENT', "'haed'", "did you mean 'head'?");
    await expect(net.fit(data, { frozen: ['haed'] })).rejects.toThrow(layer);
    const optimizer = sn.optimizers.sgd({ noDecay: ['bais'] });
    const name = failsWith('ERR_ARGUMENT', "'bais'", 'did you mean');
    await expect(net.fit(data, { optimizer })).rejects.toThrow(name);
  });
});

describe('a file', () => {
  it('of parameters alone, or of others, is refused with what to do', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stumbles-'));
    const path = join(folder, 'net.safetensors');
    try {
      const net = small();
      await net.save(path);
      const { tensors, metadata } = await readSafetensors(path);
      await writeFile(path, encodeSafetensors(tensors, new Map()));
      const cure = ['it holds 4 tensors and no architecture', 'net.loadWeights reads them'];
      await expect(sn.load(path)).rejects.toThrow(failsWith('ERR_FILE_FORMAT', ...cure));
      await net.loadWeights(path);
      const [[key, value] = ['', sn.zeros([])]] = tensors;
      const renamed = new Map([...tensors, [`${key}s`, value]]);
      renamed.delete(key);
      await writeFile(path, encodeSafetensors(renamed, metadata));
      const message = `[load] ${path}: the file lacks '${key}' and has besides '${key}s'`;
      const error = await sn.load(path).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'ERR_FILE_FORMAT', message });
      await writeFile(path, encodeSafetensors(new Map([['x', value]]), metadata));
      const many = "lacks 'features.weight', 'features.bias', 'head.weight' and 1 other";
      await expect(sn.load(path)).rejects.toThrow(many);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
