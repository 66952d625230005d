import { describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Operand, Variable } from '../lib/ops/operator.ts';
import { functions } from './golden/calls.ts';
import { detached } from './wrong/corruptions.ts';
import { validCalls } from './wrong/operators.ts';

const { add, argmax, exp, linear, mul, sum } = sn.ops;
const backends = ['reference', 'native'] as const;
const vector = { shape: [3], dtype: 'float64' } as const;

function failsWith(code: sn.ErrorCode, ...parts: string[]): object {
  return expect.objectContaining({
    name: 'StridenetError',
    code,
    message: expect.stringMatching(new RegExp(parts.map(escaped).join('.*'))),
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** A value that its trace has given away. */
function leaked(): Variable {
  let value: Variable | null = null;
  sn.trace((x: Variable) => {
    value = x;
    return exp(x);
  }, vector);
  return value as unknown as Variable;
}

describe('a value of another trace', () => {
  const another = failsWith('ERR_ARGUMENT', 'another trace');

  it('is refused as an operand, and as what a function gives', () => {
    expect(() => sn.trace((x: Variable) => add(x, leaked()), vector)).toThrow(another);
    expect(() => sn.trace((_: Variable) => leaked(), vector)).toThrow(another);
    expect(() => sn.trace((x: Variable) => [x, leaked()], vector)).toThrow(another);
  });

  it('is refused by compile and grad', async () => {
    const at = sn.tensor([1, 2, 3], [3], 'float64');
    const compiled = sn.compile((x: Variable) => mul(x, leaked()));
    await expect(compiled(at)).rejects.toEqual(another);
    compiled.dispose();
    const ended = failsWith('ERR_ARGUMENT', 'a trace that has ended');
    expect(() => sn.grad((x: Variable) => sum(mul(leaked(), x)))(at)).toThrow(ended);
  });

  it('is refused as a source of gradients; so is a Tensor', () => {
    const sameTrace = failsWith('ERR_ARGUMENT', 'grad', 'source 1', 'same trace');
    for (const other of [leaked(), sn.zeros([3], 'float64'), null, 3]) {
      const fn = (x: Variable) => sn.gradients(sum(x), [x, other as Variable]) as Operand[];
      expect(() => sn.trace(fn, vector)).toThrow(sameTrace);
    }
  });
});

describe('a seed of gradients', () => {
  const batched = { shape: [3], dtype: 'float64', batched: true } as const;

  it('must be batched where its value is', () => {
    const fn = (x: Variable, seed: sn.Operand) => sn.gradients(exp(x), [x], seed) as Operand[];
    const refused = failsWith('ERR_SHAPE', 'gradients', 'the seed must be batched');
    expect(() => sn.trace((x: Variable) => fn(x, sn.ones([3], 'float64')), batched)).toThrow(
      refused,
    );
    expect(sn.trace(fn, batched, batched).outputs[0]?.batched).toBe(true);
  });
});

describe('a loss', () => {
  it('of several elements, or of integers, has no gradient', () => {
    const at = sn.tensor([1, 2, 3], [3], 'float64');
    expect(() => sn.grad((x: Variable) => exp(x))(at)).toThrow(
      failsWith('ERR_ARGUMENT', 'one element', '(3)'),
    );
    expect(() => sn.grad((x: Variable) => argmax(x))(at)).toThrow(
      failsWith('ERR_ARGUMENT', 'floating', 'int32'),
    );
  });

  it('may use a parameter twice: its gradients are added up', () => {
    const [x, w] = [
      sn.tensor([[1, -2]], [1, 2], 'float64'),
      sn.tensor([[3, 5]], [1, 2], 'float64'),
    ];
    const loss = (...inputs: Variable[]): Operand => {
      const [a, b, c] = inputs as [Variable, Variable, Variable];
      return sum(mul(linear(a, b), exp(sum(c))));
    };
    for (const backend of backends) {
      const [, apart, alone] = sn.grad(loss, { backend })(x, w, w) as sn.Tensor[];
      const tied = sn.grad((a: Variable, b: Variable) => loss(a, b, b), { backend })(x, w)[1];
      const added = apart?.data.map((g, i) => g + (alone?.data[i] as number));
      expect(tied?.data).toEqual(added);
    }
  });
});

describe.each(backends)('a Program on %s that was disposed of', (backend) => {
  it('refuses everything but being disposed of', async () => {
    const tracer = new Tracer();
    const [x, state] = [tracer.input(vector), tracer.input(vector, 'state')];
    const graph = tracer.graph([add(x, state)], [{ state, value: x }]);
    const program = backendOf(backend).prepare(graph);
    program.dispose();
    const request = { steps: 1, feeds: [new Float64Array(3)] };
    const gone = failsWith('ERR_DISPOSED');
    expect(() => program.runSync(request)).toThrow(gone);
    await expect(program.run(request)).rejects.toEqual(gone);
    expect(() => program.read(0)).toThrow(gone);
    expect(() => program.write(0, sn.zeros([3], 'float64'))).toThrow(gone);
    expect(program.bytes).toBe(0);
    program.dispose();
    program.cancel();
  });
});

describe('a tensor whose memory was transferred', () => {
  const gone = failsWith('ERR_ARGUMENT', 'detached');

  it.each(Object.keys(validCalls))('is refused as a constant of %s', (name) => {
    const { arguments: rules, options } = validCalls[name] as (typeof validCalls)[string];
    const settings = Object.entries(options ?? {}).map(([key, { value }]) => [key, value]);
    for (const [lost, rule] of Object.entries(rules)) {
      if (rule.kind !== 'operand') continue;
      const tracer = new Tracer();
      const operands = Object.entries(rules).map(([key, other]) => {
        if (other.kind !== 'operand') return other.value;
        return key === lost ? detached(other.tensor) : tracer.input(other.tensor);
      });
      const call = functions[name] as (...operands: unknown[]) => unknown;
      expect(() => call(...operands, ...(options ? [Object.fromEntries(settings)] : []))).toThrow(
        failsWith('ERR_ARGUMENT', `[${name}`, lost, 'detached'),
      );
    }
  });

  it('is refused by grad, gradientCheck and compareBackends', () => {
    const lost = detached(sn.zeros([3], 'float64'));
    const loss = (x: Variable) => sum(exp(x));
    expect(() => sn.grad(loss)(lost)).toThrow(gone);
    expect(() => sn.gradientCheck(loss, [lost])).toThrow(gone);
    expect(() => sn.compareBackends(loss, [lost])).toThrow(gone);
    expect(() => lost.to('float32')).toThrow(gone);
  });

  it('is refused by networks, as samples, labels and parameters', async () => {
    const network = sn.sequential({
      inputShape: [2],
      layers: [sn.layers.dense({ units: 3 })],
      backend: 'reference',
    });
    const [x, y] = [sn.zeros([4, 2]), sn.zeros([4], 'int32')];
    const [lostX, lostY] = [detached(x), detached(y)];
    const ofX = failsWith('ERR_ARGUMENT', 'data.x', 'detached');
    const ofY = failsWith('ERR_ARGUMENT', 'data.y', 'detached');
    await expect(network.fit({ x: lostX, y })).rejects.toEqual(ofX);
    await expect(network.fit({ x, y: lostY })).rejects.toEqual(ofY);
    await expect(network.evaluate({ x, y: lostY })).rejects.toEqual(ofY);
    await expect(network.predict(lostX)).rejects.toEqual(failsWith('ERR_ARGUMENT', 'predict', 'x'));
    const [key, value] = [...network.parameters()][0] as [string, sn.Tensor];
    expect(() => network.setParameters(new Map([[key, detached(value)]]))).toThrow(
      failsWith('ERR_ARGUMENT', 'setParameters', key, 'detached'),
    );
  });
});
