import { ops } from '../../../lib/index.ts';
import type { Operand } from '../../../lib/ops/operator.ts';
import { drawn, named } from './elementwiseRules.ts';
import type { Pool, Ref } from './pool.ts';
import type { Rule } from './rules.ts';

type Pair = readonly [number, number];

function pairs(pool: Pool, low: number, high: number): Pair {
  return [pool.random.integer(low, high), pool.random.integer(low, high)];
}

/** Weights of so many terms a sum, small enough that sums stay near 1. */
function weights(pool: Pool, shape: readonly number[], terms: number): Ref {
  const high = 1.5 / Math.sqrt(terms);
  return pool.chance(0.2) ? pool.operand(shape) : pool.leaf(shape, { low: -high, high });
}

function biases(pool: Pool, count: number): Ref[] {
  return pool.chance(0.6) ? [pool.operand([count])] : [];
}

/** Convolutions of `axes` axes; `turned`: transposed ones. */
function convolution(name: string, axes: 1 | 2, turned = false): Rule {
  return {
    draw(pool) {
      const x = pool.ofRank(axes + 2);
      if (x === null) return null;
      const channels = pool.spec(x).shape[1] as number;
      const groups = pool.random.pick([1, 1, 2, channels].filter((n) => channels % n === 0));
      const perGroup = pool.random.integer(1, 2);
      const sizes = pairs(pool, 1, 3).slice(0, axes);
      const [filters, depth] = turned
        ? [channels, perGroup]
        : [groups * perGroup, channels / groups];
      const terms = depth * sizes.reduce((a, b) => a * b, 1);
      const shape = [filters, depth, ...sizes];
      const stride = pool.random.integer(1, 2);
      const settings = {
        stride: axes === 2 && pool.chance(0.3) ? pairs(pool, 1, 2) : stride,
        dilation: pool.random.pick([1, 1, 2]),
        padding: turned ? 0 : pool.random.pick([0, 1, 1, stride === 1 ? 'same' : 1]),
        groups,
        ...(turned || pool.chance(0.7) ? {} : { flipKernel: true }),
      };
      const outputs = turned ? groups * perGroup : filters;
      return drawn([x, weights(pool, shape, terms), ...biases(pool, outputs)], settings);
    },
    call: ([x, weight, bias], settings) => named(name)(x, weight, bias ?? null, settings),
  };
}

/** The matrix of a convolution with filters of one channel. */
function matrix(name: string, axes: 1 | 2): Rule {
  return {
    draw(pool) {
      const known = pool.value(({ shape, batched }) => !batched && shape.length === axes);
      const sizes = pairs(pool, 1, 3).slice(0, axes);
      const w = known !== null && pool.chance(0.4) ? known : pool.leaf(sizes);
      const inputShape = pool.spec(w).shape.map((size) => size + pool.random.integer(0, 2));
      return drawn([w], { inputShape, padding: pool.random.integer(0, 1) });
    },
    call: ([w], { inputShape, ...settings }) => named(name)(w, inputShape, settings),
  };
}

function windows(pool: Pool, axes: 1 | 2): Record<string, unknown> {
  const size = pool.random.integer(2, 3);
  const both = axes === 2 && pool.chance(0.3);
  return {
    kernelSize: both ? [size, pool.random.integer(1, 2)] : size,
    ...(pool.chance(0.5) ? { stride: pool.random.integer(1, 2) } : {}),
    padding: both ? 0 : pool.random.integer(0, 1),
    ...(pool.chance(0.3) ? { ceilMode: true } : {}),
  };
}

function pooling(name: string, axes: 1 | 2, more: (pool: Pool) => Record<string, unknown>): Rule {
  return {
    draw: (pool) => drawn([pool.ofRank(axes + 2)], { ...windows(pool, axes), ...more(pool) }),
    call: ([x], settings) => named(name)(x, settings),
  };
}

function maxima(pool: Pool): Record<string, unknown> {
  return {
    dilation: pool.random.pick([1, 1, 2]),
    ties: pool.random.pick(['first', 'first', 'all', 'split']),
  };
}

function means(pool: Pool): Record<string, unknown> {
  return { countIncludePad: pool.chance(0.5) };
}

const maxPool2dWithWinners: Rule = {
  draw: (pool) => drawn([pool.ofRank(4)], { kernelSize: 2, stride: pool.random.integer(1, 2) }),
  call: ([x], settings) =>
    ops.maxPool2dWithWinners(x as Operand, settings as { kernelSize: number }),
};

const maxUnpool2d: Rule = {
  weight: 8,
  draw(pool) {
    const winners = pool.all(({ dtype, shape }) => dtype === 'uint8' && shape.length === 4);
    const pools = winners.flatMap((ref) => {
      const item = pool.items[ref[0]];
      return item?.kind === 'step' && item.rule === 'maxPool2dWithWinners' ? [{ ref, item }] : [];
    });
    if (pools.length === 0) return null;
    const { ref, item } = pool.random.pick(pools);
    const [, , h, w] = pool.spec(item.operands[0] as Ref).shape;
    return drawn([pool.like(ref), ref], { ...item.settings, outputSize: [h, w] });
  },
  call: ([y, winners], settings) => named('maxUnpool2d')(y, winners, settings),
};

const columns = (pool: Pool): Record<string, unknown> => ({
  kernelSize: pool.random.integer(1, 2),
  stride: pool.random.integer(1, 2),
  padding: pool.random.integer(0, 1),
});

/** Weight and bias of a shape, or neither, or the weight alone. */
function affine(pool: Pool, shape: readonly number[]): Ref[] {
  const count = pool.random.integer(0, 2);
  return Array.from({ length: count }, () => pool.operand(shape));
}

const batchNormTraining: Rule = {
  draw(pool) {
    const x = pool.ofRank(2, 3, 4);
    if (x === null) return null;
    const channels = [pool.spec(x).shape[1] as number];
    const running = pool.chance(0.5);
    const statistics = running ? [pool.leaf(channels), pool.leaf(channels, { low: 0.5 })] : [];
    return drawn([x, ...statistics, ...affine(pool, channels)], { running });
  },
  call([x, ...rest], { running }) {
    const [mean, variance, weight, bias] = running ? rest : [null, null, ...rest];
    return ops.batchNormTraining(
      x as Operand,
      mean ?? null,
      variance ?? null,
      weight ?? null,
      bias ?? null,
      { epsilon: 0.125 },
    ).y;
  },
};

const batchNorm: Rule = {
  draw(pool) {
    const x = pool.ofRank(2, 3, 4);
    if (x === null) return null;
    const channels = [pool.spec(x).shape[1] as number];
    return drawn([x, pool.operand(channels), pool.operand(channels), ...affine(pool, channels)]);
  },
  call: ([x, mean, deviation, weight, bias]) =>
    ops.batchNorm(
      x as Operand,
      mean as Operand,
      ops.add(ops.square(deviation as Operand), 0.5),
      weight ?? null,
      bias ?? null,
    ),
};

const layerNorm: Rule = {
  draw(pool) {
    const x = pool.value(({ shape, batched }) => shape.length > (batched ? 1 : 0));
    if (x === null) return null;
    const { shape, batched } = pool.spec(x);
    const normalized = shape.slice(pool.random.integer(batched ? 1 : 0, shape.length - 1));
    return drawn([x, ...affine(pool, normalized)], { shape: normalized });
  },
  call: ([x, weight, bias], { shape }) =>
    ops.layerNorm(x as Operand, shape as number[], weight ?? null, bias ?? null, {
      epsilon: 0.125,
    }),
};

const groupNorm: Rule = {
  draw(pool) {
    const x = pool.ofRank(3, 4);
    if (x === null) return null;
    const channels = pool.spec(x).shape[1] as number;
    const groups = [1, 2, 3].filter((count) => channels % count === 0);
    return drawn([x, ...affine(pool, [channels])], { groups: pool.random.pick(groups) });
  },
  call: ([x, weight, bias], { groups }) =>
    ops.groupNorm(x as Operand, groups as number, weight ?? null, bias ?? null, { epsilon: 0.125 }),
};

/** Operators on images, signals and channels. */
export const imageRules: Readonly<Record<string, Rule>> = {
  conv1d: convolution('conv1d', 1),
  conv2d: { ...convolution('conv2d', 2), weight: 6 },
  convTranspose2d: convolution('convTranspose2d', 2, true),
  convMatrix1d: matrix('convMatrix1d', 1),
  convMatrix2d: matrix('convMatrix2d', 2),
  maxPool1d: pooling('maxPool1d', 1, maxima),
  maxPool2d: pooling('maxPool2d', 2, maxima),
  maxPool2dWithWinners,
  maxUnpool2d,
  avgPool1d: pooling('avgPool1d', 1, means),
  avgPool2d: pooling('avgPool2d', 2, means),
  adaptiveAvgPool2d: {
    draw: (pool) => drawn([pool.ofRank(4)], { outputSize: pairs(pool, 1, 4) }),
    call: ([x], settings) => named('adaptiveAvgPool2d')(x, settings),
  },
  globalAvgPool1d: {
    draw: (pool) => drawn([pool.ofRank(3)]),
    call: ([x]) => named('globalAvgPool1d')(x),
  },
  globalAvgPool2d: {
    draw: (pool) => drawn([pool.ofRank(4)]),
    call: ([x]) => named('globalAvgPool2d')(x),
  },
  unfold: {
    draw: (pool) => drawn([pool.ofRank(4)], columns(pool)),
    call: ([x], settings) => named('unfold')(x, settings),
  },
  fold: {
    draw(pool) {
      const x = pool.ofRank(4);
      if (x === null) return null;
      return drawn([x], { ...columns(pool), outputSize: pool.spec(x).shape.slice(2) });
    },
    call([x], { outputSize, ...settings }) {
      const unfolded = ops.tanh(named('unfold')(x, settings));
      return named('fold')(unfolded, { ...settings, outputSize });
    },
  },
  prelu: {
    draw(pool) {
      const x = pool.ofRank(2, 3, 4);
      if (x === null) return null;
      const channels = pool.spec(x).shape[1] as number;
      return drawn([x, pool.operand([pool.random.pick([1, channels])])]);
    },
    call: ([x, slope]) => ops.prelu(x as Operand, slope as Operand),
  },
  localResponseNorm: {
    draw: (pool) =>
      drawn([pool.ofRank(2, 3, 4)], { size: pool.random.integer(1, 4), alpha: 0.5, k: 1 }),
    call: ([x], settings) => named('localResponseNorm')(x, settings),
  },
  batchNorm,
  batchNormTraining,
  layerNorm,
  groupNorm,
};
