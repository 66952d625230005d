import { afterEach, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { backends } from './support/networks.ts';
import { foreign, scaled, softsignParts, thrownBy, x } from './support/ownOperators.ts';

const { ops, defineOperator } = sn;
const native = backends.includes('native');
const reference = { backend: 'reference' } as const;

afterEach(() => sn.setDefaultBackend('native'));
describe('what a definition is refused for', () => {
  const wrong: readonly (readonly [string, object | null, RegExp])[] = [
    ['no object', null, /options/],
    ['an unknown part', { ...softsignParts, grad: () => [] }, /no option 'grad'/],
    ['no name', { ...softsignParts, name: undefined }, /name to be a name/],
    ['a name that is none', { ...softsignParts, name: 'soft sign' }, /'soft sign'/],
    ["an operator's name", { ...softsignParts, name: 'reluGradient' }, /'reluGradient' is an oper/],
    ["an instruction's name", { ...softsignParts, name: 'copy' }, /'copy' is an operator/],
    ['no inputs', { ...softsignParts, inputs: [] }, /inputs to be a list/],
    ['an input twice', { ...softsignParts, inputs: ['x', 'x?'] }, /inputs to be a list/],
    ['any number of inputs', { ...softsignParts, inputs: ['x…'] }, /inputs to be a list/],
    ['outputs that are no names', { ...softsignParts, outputs: 'y' }, /outputs to be a list/],
    ['no shape rule', { ...softsignParts, infer: undefined }, /infer to be a function/],
    ['no loops', { ...softsignParts, loops: undefined }, /loops to be a function/],
    ['a gradient that is none', { ...softsignParts, gradient: 5 }, /gradient to be a function/],
    ['a cost that is none', { ...softsignParts, multiplyAdds: 5 }, /multiplyAdds to be a funct/],
    ['a composition that is none', { ...softsignParts, composition: {} }, /composition to be a/],
    ['settings that are none', { ...softsignParts, attributes: [1] }, /attributes to be an obj/],
    ['a default that is none', { ...softsignParts, attributes: { a: null } }, /default of attri/],
  ];

  it.each(wrong)('%s', (_, definition, message) => {
    const error = thrownBy(() => defineOperator(definition as never));
    expect(error.code).toBe('ERR_ARGUMENT');
    expect(error.message).toMatch(/^\[defineOperator/);
    expect(error.message).toMatch(message);
  });
});

describe('what a call is refused for', () => {
  const factor = sn.full([2], 1, 'float64');
  const anyCall = scaled as unknown as (...operands: unknown[]) => unknown;

  it.each([
    ['no operands', [], /expected x to be a Tensor/],
    ['one operand', [x], /expected factor to be a Tensor/],
    ['a number', [x, 5, null], /expected factor to be a Tensor/],
    ['too many operands', [x, factor, null, {}, {}], /3 operands and an object of settings/],
    ['an unknown setting', [x, factor, null, { powre: 1 }], /no option 'powre'/],
    ['a setting of another kind', [x, factor, null, { power: '1' }], /power to be a number/],
    ['a list that is none', [x, factor, null, { taps: [1, 'b'] }], /taps to be a list of numbers/],
    ['settings that are none', [x, factor, null, 5], /an object of options/],
    ['an error of its rule', [x, factor, null, { power: -1 }], /infer threw RangeError: power bel/],
  ])('%s', (_, given, message) => {
    const error = thrownBy(() => anyCall(...given));
    expect(error.code).toBe('ERR_ARGUMENT');
    expect(error.message).toMatch(/^\[scaled\]/);
    expect(error.message).toMatch(message);
  });

  it('what its rule refuses, under its name and with the code', () => {
    const error = thrownBy(() => scaled(x, sn.full([3], 1, 'float64'), null));
    expect(error.code).toBe('ERR_SHAPE');
    expect(error.message).toBe('[scaled] factor 3 does not fit x 3,2');
  });
});

type Wrong = Partial<Record<'infer' | 'loops' | 'gradient' | 'composition', unknown>>;

/** An operator of x and w, with parts that are wrong. */
function broken(parts: Wrong): (a: sn.Operand, b: sn.Operand) => sn.Variable {
  return defineOperator({
    name: 'broken',
    inputs: ['x', 'w'],
    infer: ([v]: readonly sn.OwnSpec[]) => [v],
    loops: () => undefined,
    gradient: ({ gradients: [dy] }: { gradients: readonly sn.Variable[] }) => [dy, null],
    ...parts,
  } as never) as never;
}

describe('functions that do not keep to each other', () => {
  const w = sn.full([2], 1, 'float64');
  const value = (parts: Wrong) => (): unknown => {
    sn.setDefaultBackend('reference');
    return broken(parts)(x, w);
  };
  const gradient = (rule: unknown) => (): unknown =>
    sn.grad((a: sn.Variable, b: sn.Variable) => ops.sum(broken({ gradient: rule })(a, b)), {
      ...reference,
    })(x, w);
  const twoSpecs = ([v]: readonly sn.OwnSpec[]): unknown[] => [v, v];
  type Outputs = readonly { data: unknown; shape: unknown }[];
  type Call = { gradients: readonly sn.Variable[] };

  it.each([
    ['infer: two outputs', 'ERR_ARGUMENT', value({ infer: twoSpecs }), /list of 1.* gave 2/],
    ['infer: none', 'ERR_ARGUMENT', value({ infer: () => undefined }), /infer must give a list/],
    [
      'infer: no spec',
      'ERR_ARGUMENT',
      value({ infer: () => [5] }),
      /infer of y\] expected \{ shape/,
    ],
    [
      'infer: no sizes',
      'ERR_SHAPE',
      value({ infer: () => [{ shape: [-1], dtype: 'float32' }] }),
      /infer of y/,
    ],
    [
      'infer: no dtype',
      'ERR_ARGUMENT',
      value({ infer: () => [{ shape: [1] }] }),
      /infer of y\] expected a dtype/,
    ],
    [
      'loops that throw',
      'ERR_ARGUMENT',
      value({
        loops: () => {
          throw new TypeError('no');
        },
      }),
      /loops threw TypeError: no/,
    ],
    [
      'loops that return',
      'ERR_ARGUMENT',
      value({ loops: async () => undefined }),
      /return nothing/,
    ],
    [
      'loops: too few elements',
      'ERR_SHAPE',
      value({
        loops: (_: unknown, [y]: Outputs) => {
          (y as { data: unknown }).data = new Float64Array(5);
        },
      }),
      /leave y with the 6 elements of \(3, 2\) but left 5/,
    ],
    [
      'loops: another array',
      'ERR_DTYPE',
      value({
        loops: (_: unknown, [y]: Outputs) => {
          (y as { data: unknown }).data = [1, 2];
        },
      }),
      /leave y as float64/,
    ],
    [
      'loops: another shape',
      'ERR_SHAPE',
      value({
        loops: (_: unknown, [y]: Outputs) => {
          (y as { shape: unknown }).shape = [6];
        },
      }),
      /leave y with/,
    ],
    [
      'gradient: one message',
      'ERR_ARGUMENT',
      gradient(({ gradients: [dy] }: Call) => [dy]),
      /gradient must give a list of 2, for x, w, but gave 1/,
    ],
    ['gradient: none', 'ERR_ARGUMENT', gradient(() => undefined), /gradient must give a list of 2/],
    [
      'gradient: no value',
      'ERR_ARGUMENT',
      gradient(() => [5, null]),
      /the gradient of x to be a value of operators or null/,
    ],
    [
      'gradient: a shape',
      'ERR_SHAPE',
      gradient(({ gradients: [dy] }: Call) => [dy, dy]),
      /w is \(2\) but its gradient is \(3, 2\)/,
    ],
    [
      'gradient: a dtype',
      'ERR_DTYPE',
      gradient(() => [sn.zeros([3, 2]), null]),
      /x is float64 but its gradient is float32/,
    ],
    [
      'gradient: throws',
      'ERR_ARGUMENT',
      gradient(() => {
        throw new Error('no');
      }),
      /gradient threw Error: no/,
    ],
    [
      'gradient: operands',
      'ERR_SHAPE',
      gradient(() => [ops.add(sn.zeros([2]), sn.zeros([3])), null]),
      /broken, add\]/,
    ],
    ['gradient: a trace', 'ERR_ARGUMENT', gradient(() => [foreign, null]), /another trace/],
  ] as const)('%s', (_, code, body, message) => {
    const error = thrownBy(body);
    expect(error.code, error.message).toBe(code);
    expect(error.message).toMatch(message);
  });

  it('but no message that nobody wants', () => {
    const own = broken({ gradient: ({ gradients: [dy] }: Call) => [dy, dy] });
    const [gradient] = sn.grad((a: sn.Variable) => ops.sum(own(a, w)), reference)(x);
    expect(gradient?.shape).toEqual([3, 2]);
  });

  it('a gradient that there is none of', () => {
    const own = defineOperator(softsignParts);
    const error = thrownBy(() => sn.grad((v: sn.Variable) => ops.sum(own(v)), reference)(x));
    expect(error.code).toBe('ERR_NOT_DIFFERENTIABLE');
    expect(error.message).toContain('softsign] has no gradient');
  });

  it('a gradient of what depends on the batch that does not, and the other way round', () => {
    const spec = { shape: [4, 2], dtype: 'float64', batched: true } as const;
    const of = (rule: (dy: sn.Variable) => readonly (sn.Operand | null)[]) => () =>
      sn.trace(
        (a, b) => {
          const own = broken({ gradient: ({ gradients: [dy] }: Call) => rule(dy as sn.Variable) });
          const y = ops.sum(own(a as sn.Variable, b as sn.Variable));
          return sn.gradients(y, [a as sn.Variable, b as sn.Variable]) as sn.Operand[];
        },
        spec,
        { shape: [4, 2], dtype: 'float64' },
      );
    const lost = thrownBy(of(() => [sn.zeros([4, 2], 'float64'), null]));
    expect(lost.code).toBe('ERR_SHAPE');
    expect(lost.message).toContain(
      '[broken] the gradient of x (4, 2) does not depend on the batch',
    );
    const found = thrownBy(of((dy) => [dy, dy]));
    expect(found.message).toContain('[broken] the gradient of w (4, 2) does depend on the batch');
  });

  it('a cost that is none', () => {
    const own = defineOperator({ ...softsignParts, multiplyAdds: () => Number.NaN });
    const layer = sn.layers.custom((v) => own(v));
    const error = thrownBy(() => sn.sequential({ inputShape: [2], layers: [layer] }));
    expect(error.message).toContain('[softsign] expected multiplyAdds to give a number');
  });
});

describe('functions that never end', () => {
  type Own = (v: sn.Operand) => sn.Variable;
  const cyclic = (parts: (own: Own) => object): Own => {
    const own: Own = defineOperator({
      ...softsignParts,
      name: 'cyclic',
      gradient: ({ gradients: [dy] }: { gradients: readonly sn.Variable[] }) => [dy],
      ...parts((v) => own(v)),
    } as never) as never;
    return own;
  };

  it.each([
    ['infer', (own: Own) => ({ infer: () => [own(x)] }), 'infer calls itself'],
    ['loops', (own: Own) => ({ loops: () => void own(x) }), 'loops calls itself'],
    [
      'gradient',
      (own: Own) => ({
        gradient: ({ inputs: [v] }: { inputs: readonly sn.Variable[] }) =>
          sn.gradients(ops.sum(own(v as sn.Variable)), [v as sn.Variable]),
      }),
      'gradient calls itself',
    ],
  ])('%s', (_, parts, message) => {
    sn.setDefaultBackend('reference');
    const own = cyclic(parts);
    const error = thrownBy(() => {
      own(x);
      sn.grad((v: sn.Variable) => ops.sum(own(v)))(x);
    });
    expect(error.code).toBe('ERR_ARGUMENT');
    expect(error.message).toContain(`cyclic] ${message}`);
  });

  it.runIf(native)('a composition of itself, directly and by way of another', () => {
    const self = cyclic((own) => ({ composition: ([v]: [sn.Variable]) => ops.neg(own(v)) }));
    expect(thrownBy(() => self(x))).toMatchObject({
      code: 'ERR_ARGUMENT',
      message: '[cyclic] composition goes through itself: cyclic → cyclic',
    });
    const first = cyclic(() => ({ composition: ([v]: [sn.Variable]) => second(v) }));
    const second: Own = cyclic(() => ({
      name: 'other',
      composition: ([v]: [sn.Variable]) => ops.neg(first(v)),
    }));
    for (const [own, path] of [
      [first, 'cyclic → other → cyclic'],
      [second, 'other → cyclic → other'],
    ] as const) {
      const { code, message } = thrownBy(() => own(x));
      expect(code).toBe('ERR_ARGUMENT');
      expect(message).toContain(`composition goes through itself: ${path}`);
    }
    expect(thrownBy(() => cyclic(() => ({ composition: () => first(x) }))(x)).code).toBe(
      'ERR_ARGUMENT',
    );
  });
});
