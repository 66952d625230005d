import { describe, expect, it } from 'vitest';
import { Tracer } from '../lib/graph/graph.ts';
import { StridenetError } from '../lib/index.ts';
import { functions } from './golden/calls.ts';
import { corruptionsOf } from './wrong/corruptions.ts';
import { validCalls } from './wrong/operators.ts';

/** What a call throws; null when it returns. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
    return null;
  } catch (error) {
    return error;
  }
}

function argumentsOf(name: string): unknown[] {
  const { arguments: rules, options } = validCalls[name] as (typeof validCalls)[string];
  const of = (all: typeof rules): [string, unknown][] =>
    Object.entries(all).map(([key, rule]) => [
      key,
      rule.kind === 'operand' ? rule.tensor : rule.value,
    ]);
  const given = of(rules).map(([, value]) => value);
  return options ? [...given, Object.fromEntries(of(options))] : given;
}

const many = 2 ** 20;

/** Calls whose results no array holds: shapes of the operands, then what follows them. */
const tooLarge: Readonly<
  Record<string, readonly [shapes: readonly number[][], ...rest: unknown[]]>
> = {
  add: [
    [
      [many, 1],
      [1, many],
    ],
  ],
  matmul: [
    [
      [many, 1],
      [1, many],
    ],
  ],
  linear: [
    [
      [many, 1],
      [many, 1],
    ],
  ],
  maximum: [[[many, 1], [many]]],
  pad: [[[many, 1]], [[2 ** 30, 2 ** 30]]],
  gather: [[[1, many]], Array(2 ** 14).fill(0)],
  conv2d: [
    [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ],
    null,
    { padding: 2 ** 29 },
  ],
  conv1d: [
    [
      [1, 1, 1],
      [many, 1, 1],
    ],
    null,
    { padding: 2 ** 29 },
  ],
  convTranspose2d: [
    [
      [1, 1, 9, 9],
      [1, 1, 1, 1],
    ],
    null,
    { stride: 2 ** 27 },
  ],
  convMatrix2d: [[[1, 1, 2, 2]], [1, 2 ** 16, 2 ** 16]],
  convMatrix1d: [[[1, 1, 2]], [1, many]],
  unfold: [[[1, 1, 2 ** 15, 2 ** 15]], { kernelSize: 2 ** 9 }],
  adaptiveAvgPool2d: [[[1, 1, 2, 2]], { outputSize: 2 ** 30 }],
};

describe.each(Object.entries(tooLarge))('a result of %s that is too large', (name, call) => {
  it('is refused before any memory is taken', () => {
    const [shapes, ...rest] = call;
    const operands = new Tracer();
    const variables = shapes.map((shape) => operands.input({ shape, dtype: 'float32' }));
    const error = thrownBy(() => functions[name]?.(...variables, ...rest));
    expect(error).toBeInstanceOf(StridenetError);
    const { code, message } = error as StridenetError;
    expect(['ERR_SHAPE', 'ERR_MEMORY'], message).toContain(code);
    expect(message).toContain(`[${name}`);
  });
});

it('every operator is tried', () => {
  expect(Object.keys(validCalls).sort()).toEqual(Object.keys(functions).sort());
});

describe.each(Object.keys(validCalls))('%s', (name) => {
  const call = functions[name] as (...operands: unknown[]) => unknown;

  it('takes what is right', () => {
    expect(() => call(...argumentsOf(name))).not.toThrow();
  });

  for (const wrong of corruptionsOf(validCalls[name] as (typeof validCalls)[string])) {
    it(`refuses ${wrong.title}`, () => {
      const error = thrownBy(() => call(...wrong.arguments));
      expect(error).toBeInstanceOf(StridenetError);
      const { code, message } = error as StridenetError;
      expect(wrong.codes, message).toContain(code);
      expect(message).toContain(`[${name}`);
      expect(message).toContain(wrong.named);
    });
  }
});
