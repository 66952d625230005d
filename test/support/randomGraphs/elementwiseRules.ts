import { ops } from '../../../lib/index.ts';
import type { Operand } from '../../../lib/ops/operator.ts';
import type { Pool, Ref, Settings } from './pool.ts';
import type { Rule } from './rules.ts';

type Call = (...operands: unknown[]) => Operand;

export function named(name: string): Call {
  return (ops as unknown as Record<string, Call>)[name] as Call;
}

/** Operands that are all there, or null. */
export function drawn(
  operands: readonly (Ref | null)[],
  settings: Settings = {},
): { operands: readonly Ref[]; settings: Settings } | null {
  const present = operands.filter((operand) => operand !== null);
  return present.length === operands.length ? { operands: present, settings } : null;
}

/** A function of one element, some of the time of four times its operand. */
function unary(name: string, options: (pool: Pool) => Settings = () => ({})): Rule {
  return {
    draw: (pool) =>
      drawn([pool.value()], { ...options(pool), ...(pool.chance(0.3) ? { times: 4 } : {}) }),
    call([x], { times, ...rest }) {
      const operand = times === undefined ? x : ops.mul(x as Operand, times as number);
      return Object.keys(rest).length === 0 ? named(name)(operand) : named(name)(operand, rest);
    },
  };
}

/** x² + ½, where a function needs numbers above 0. */
function positive(x: Operand): Operand {
  return ops.add(ops.square(x), 0.5);
}

/** A function of two values that broadcast, or of one and a number. */
function binary(
  name: string,
  prepare: (a: Operand | number, b: Operand | number) => (Operand | number)[] = (a, b) => [a, b],
): Rule {
  return {
    draw(pool) {
      const a = pool.value();
      if (a === null) return null;
      const swapped = pool.chance(0.5);
      if (pool.chance(0.15)) {
        return drawn([a], { number: pool.random.pick([-1.25, 0.375, 1, 2]), swapped });
      }
      return drawn([a, pool.chance(0.1) ? a : pool.broadcastable(a)], { swapped });
    },
    call([a, b], { number, swapped }) {
      const pair = [a as Operand, b ?? (number as number)] as const;
      const [first, second] = swapped ? [pair[1], pair[0]] : pair;
      return named(name)(...prepare(first, second));
    },
  };
}

function square(value: Operand | number): Operand | number {
  return typeof value === 'number' ? value * value + 0.5 : positive(value);
}

const losses = ['squaredError', 'absoluteError', 'huber', 'binaryCrossEntropy'];

function loss(name: string): Rule {
  return {
    draw(pool) {
      const prediction = pool.value();
      if (prediction === null) return null;
      const reduction = pool.random.pick(['mean', 'sum', 'none']);
      const delta = name === 'huber' ? { delta: pool.random.pick([0.5, 1]) } : {};
      return drawn([prediction, pool.like(prediction)], { reduction, ...delta });
    },
    call: ([prediction, target], settings) => named(name)(prediction, target, settings),
  };
}

const softmaxCrossEntropy: Rule = {
  draw(pool) {
    const logits = pool.ofRank(2);
    if (logits === null) return null;
    const { shape, batched = false } = pool.spec(logits);
    const [n = 0, c = 0] = shape;
    const settings = {
      reduction: pool.random.pick(['mean', 'sum', 'none']),
      labelSmoothing: pool.random.pick([0, 0.125]),
    };
    if (c === 0) return null;
    if (pool.chance(0.3)) return drawn([logits, pool.like(logits)], { ...settings, rows: true });
    const dtype = pool.random.pick(['int32', 'uint8'] as const);
    const labels = pool.leaf([n], { kind: 'input', dtype, batched, low: 0, high: c - 1 });
    if (pool.chance(0.5)) return drawn([logits, labels], settings);
    return drawn([logits, labels, pool.leaf([c], { kind: 'constant', low: 0.5 })], settings);
  },
  call([logits, labels, classWeights], { rows, ...settings }) {
    const targets = rows ? ops.softmax(labels as Operand) : labels;
    return ops.softmaxCrossEntropy(logits as Operand, targets as Operand, {
      ...settings,
      ...(classWeights === undefined ? {} : { classWeights }),
    });
  },
};

const countCorrect: Rule = {
  draw(pool) {
    const logits = pool.ofRank(2);
    if (logits === null) return null;
    const { shape, batched = false } = pool.spec(logits);
    const [n = 0, c = 1] = shape;
    const settings = { kind: 'input', dtype: 'int32', batched, low: 0, high: c - 1 } as const;
    return drawn([logits, pool.leaf([n], settings)]);
  },
  call: ([logits, labels]) => ops.countCorrect(logits as Operand, labels as Operand),
};

const where: Rule = {
  draw(pool) {
    const a = pool.value();
    if (a === null) return null;
    const { shape, batched = false } = pool.spec(a);
    const conditions = pool.all(
      (spec) =>
        spec.dtype === 'uint8' &&
        spec.shape.join() === shape.join() &&
        (spec.batched ?? false) === batched,
    );
    const sizes = shape.map((size, axis) => (batched && axis === 0 ? 1 : size));
    const condition =
      conditions.length > 0
        ? pool.random.pick(conditions)
        : pool.leaf(sizes, { dtype: 'uint8', low: 0, high: 1 });
    return drawn([condition, a, pool.broadcastable(a)], { swapped: pool.chance(0.5) });
  },
  call([condition, a, b], { swapped }) {
    const [first, second] = swapped ? [b, a] : [a, b];
    return ops.where(condition as Operand, first as Operand, second as Operand);
  },
};

function reduction(name: string, single: boolean): Rule {
  return {
    draw(pool) {
      const x = pool.value(({ shape }) => shape.length > 0);
      if (x === null) return null;
      const axis = single ? pool.axis(x, false) : pool.axes(x);
      return drawn([x], {
        ...(pool.chance(0.2) ? {} : { axis }),
        ...(pool.chance(0.5) ? { keepDims: true } : {}),
      });
    },
    call: ([x], settings) => named(name)(x, settings),
  };
}

function softmax(name: string): Rule {
  return {
    draw(pool) {
      const x = pool.value(({ shape, batched }) => shape.length > (batched ? 1 : 0));
      return x === null ? null : drawn([x], { axis: pool.axis(x) });
    },
    call: ([x], settings) => named(name)(x, settings),
  };
}

function table(names: readonly string[], rule: (name: string) => Rule): Record<string, Rule> {
  return Object.fromEntries(names.map((name) => [name, rule(name)]));
}

/** Operators element by element, losses and reductions. */
export const elementwiseRules: Readonly<Record<string, Rule>> = {
  ...table(
    [
      ...['abs', 'cos', 'erf', 'exp', 'neg', 'sigmoid', 'sin', 'square', 'tanh'],
      ...['relu', 'relu6', 'selu', 'mish', 'swish', 'hardSwish'],
    ],
    (name) => unary(name),
  ),
  gelu: unary('gelu', ({ random }) => ({ approximate: random.pick(['none', 'tanh']) })),
  elu: unary('elu', ({ random }) => ({ alpha: random.pick([0.5, 1]) })),
  leakyRelu: unary('leakyRelu', () => ({ negativeSlope: 0.25 })),
  softplus: unary('softplus', ({ random }) => ({ beta: random.pick([1, 2]), threshold: 20 })),
  clip: unary('clip', ({ random }) => ({ min: -0.75, max: random.pick([0.5, 2]) })),
  ...table(['log', 'sqrt'], (name) => ({
    draw: (pool) => drawn([pool.value()]),
    call: ([x]) => named(name)(positive(x as Operand)),
  })),
  ...table(['add', 'sub', 'mul', 'maximum', 'minimum'], (name) => binary(name)),
  div: binary('div', (a, b) => [a, square(b)]),
  pow: binary('pow', (a, b) => [square(a), b]),
  ...table(['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'], (name) =>
    binary(name),
  ),
  where,
  ...table(losses, loss),
  softmaxCrossEntropy,
  countCorrect,
  ...table(['sum', 'mean', 'max', 'min'], (name) => reduction(name, false)),
  ...table(['argmax', 'argmin'], (name) => reduction(name, true)),
  ...table(['softmax', 'logSoftmax'], softmax),
};
