import { ops } from '../../../lib/index.ts';
import type { Operand, Spec } from '../../../lib/ops/operator.ts';
import { elementCount } from '../../../lib/shape.ts';
import { tensor } from '../../../lib/tensor.ts';
import { drawn, named } from './elementwiseRules.ts';
import { isFloat, type Pool, type Ref } from './pool.ts';
import type { Rule } from './rules.ts';

type Range = readonly [number, number, number] | null;

/** A value of rank 1 or more, whose axes but that of the batch may be moved. */
function movable(pool: Pool): Ref | null {
  const fits = ({ shape, batched }: Spec): boolean => shape.length > (batched ? 1 : 0);
  const whole = pool.chance(0.15) ? pool.all((spec) => !isFloat(spec.dtype) && fits(spec)) : [];
  return whole.length > 0 ? pool.random.pick(whole) : pool.value(fits);
}

/** Divides the sizes behind the first in another way. */
function regrouped(pool: Pool, [first = 1, ...rest]: readonly number[]): number[] {
  const count = elementCount(rest);
  const divisors = [1, 2, 3, 4, 5, 6].filter((size) => count % size === 0);
  const divisor = pool.random.pick(divisors);
  return pool.random.pick([
    [first, count],
    [first, divisor, count / divisor],
  ]);
}

const reshape: Rule = {
  draw(pool) {
    const x = movable(pool);
    if (x === null) return null;
    const { shape, batched } = pool.spec(x);
    const sizes = regrouped(pool, shape);
    if (batched || pool.chance(0.5)) return drawn([x], { shape: [-1, ...sizes.slice(1)] });
    return drawn([x], { shape: [sizes.slice(1), sizes[0]].flat() });
  },
  call: ([x], { shape }) =>
    ops.reshape(
      x as Operand,
      // A batched value keeps its first size, whatever it is.
      (shape as number[]).map((size, axis) =>
        axis === 0 && size === -1 ? ((x as Operand).shape[0] as number) : size,
      ),
    ),
};

const transpose: Rule = {
  draw(pool) {
    const x = movable(pool);
    if (x === null) return null;
    const { shape, batched } = pool.spec(x);
    const order = pool.random.permutation(shape.length);
    return drawn([x], {
      axes: batched ? [0, ...order.filter((axis) => axis !== 0)] : order,
    });
  },
  call: ([x], { axes }) => ops.transpose(x as Operand, axes as number[]),
};

const concat: Rule = {
  draw(pool) {
    const x = movable(pool);
    if (x === null) return null;
    const { shape, batched = false } = pool.spec(x);
    const axis = pool.axis(x);
    const others = Array.from({ length: pool.random.integer(1, 2) }, () => {
      if (pool.chance(0.2)) return x;
      const sizes = shape.map((size, i) => (i === axis ? pool.random.integer(1, 3) : size));
      return pool.operand(sizes, batched);
    });
    return drawn(pool.chance(0.5) ? [x, ...others] : [...others, x], { axis });
  },
  call: (xs, settings) => ops.concat(xs, settings),
};

/** Axes of size 1 that come and go again. */
const unsqueeze: Rule = {
  draw(pool) {
    const x = movable(pool);
    if (x === null) return null;
    const { shape, batched } = pool.spec(x);
    return drawn([x], { axis: pool.random.integer(batched ? 1 : 0, shape.length) });
  },
  call: ([x], { axis }) => ops.unsqueeze(x as Operand, { axis: axis as number }),
};

const squeeze: Rule = {
  draw(pool) {
    const x = pool.value(({ shape, batched }) => shape.indexOf(1, batched ? 1 : 0) >= 0);
    if (x === null) return null;
    const { shape, batched } = pool.spec(x);
    const axis = shape.indexOf(1, batched ? 1 : 0);
    // Of one sample, only a batched value keeps the batch: a Tensor would lose it.
    const all = pool.chance(0.5) && !(batched && shape[0] === 1);
    return drawn([x], all ? {} : { axis });
  },
  call: ([x], settings) => ops.squeeze(x as Operand, settings),
};

const stack: Rule = {
  draw(pool) {
    const x = movable(pool);
    if (x === null) return null;
    const { shape, batched = false } = pool.spec(x);
    if (!isFloat(pool.spec(x).dtype)) return null;
    const others = Array.from({ length: pool.random.integer(0, 2) }, () =>
      pool.operand(shape, batched),
    );
    return drawn([x, ...others], { axis: pool.random.integer(batched ? 1 : 0, shape.length) });
  },
  call: (xs, settings) => ops.stack(xs, settings),
};

/** A value to float64 and back, or an integer in the dtype of a value. */
const cast: Rule = {
  draw(pool) {
    const x = pool.value();
    if (x === null) return null;
    const whole = pool.all(({ dtype }) => !isFloat(dtype));
    if (whole.length === 0 || pool.chance(0.5)) return drawn([x], {});
    return drawn([x, pool.random.pick(whole)], {});
  },
  call([x, whole], _) {
    const { dtype } = x as Operand;
    return ops.cast(whole ?? ops.cast(x as Operand, 'float64'), dtype);
  },
};

const slice: Rule = {
  draw(pool) {
    const x = movable(pool);
    if (x === null) return null;
    const { shape, batched } = pool.spec(x);
    const ranges = shape.map((size, axis): Range => {
      if ((batched && axis === 0) || pool.chance(0.4)) return null;
      const start = pool.random.integer(0, size - 1);
      return [start, pool.random.integer(start + 1, size), pool.random.integer(1, 2)];
    });
    return drawn([x], { ranges });
  },
  call: ([x], { ranges }) => ops.slice(x as Operand, ranges as Range[]),
};

const gather: Rule = {
  draw(pool) {
    const x = movable(pool);
    if (x === null) return null;
    const axis = pool.axis(x);
    const size = pool.spec(x).shape[axis] as number;
    const range = { low: 0, high: size - 1 };
    const count = pool.random.integer(1, 4);
    if (pool.chance(0.5)) {
      const indices = Array.from({ length: count }, () => pool.random.integer(0, size - 1));
      return drawn([x], { axis, indices });
    }
    const dtype = pool.random.pick(['int32', 'uint8'] as const);
    return drawn([x, pool.leaf(pool.chance(0.5) ? [count] : [count, 2], { dtype, ...range })], {
      axis,
    });
  },
  call: ([x, indices], { axis, indices: list }) =>
    ops.gather(x as Operand, indices ?? (list as number[]), { axis: axis as number }),
};

const gatherRows: Rule = {
  draw(pool) {
    const rows = pool.random.integer(2, 5);
    const data = pool.leaf([rows, pool.random.integer(1, 5)], { kind: 'constant' });
    const batched = pool.batch > 0;
    const count = batched ? pool.batch : pool.random.integer(1, 4);
    const range = { low: 0, high: rows - 1 };
    return drawn([data, pool.leaf([count], { kind: 'input', dtype: 'int32', batched, ...range })], {
      scale: pool.random.pick([1, 0.5]),
      offset: pool.random.pick([0, 0.25]),
    });
  },
  call: ([data, indices], settings) =>
    ops.gatherRows(data as Operand, indices as Operand, settings),
};

const flip: Rule = {
  draw(pool) {
    const x = movable(pool);
    return x === null ? null : drawn([x], { axes: pool.axes(x, true) });
  },
  call: ([x], { axes }) => ops.flip(x as Operand, axes as number[]),
};

const rot90: Rule = {
  draw(pool) {
    const x = pool.value(({ shape, batched }) => shape.length > (batched ? 2 : 1));
    if (x === null) return null;
    const { shape, batched } = pool.spec(x);
    const axes = pool.random
      .permutation(shape.length)
      .filter((axis) => !batched || axis !== 0)
      .slice(0, 2);
    return drawn([x], { k: pool.random.integer(0, 3), axes });
  },
  call: ([x], settings) => ops.rot90(x as Operand, settings),
};

const pad: Rule = {
  draw(pool) {
    const x = movable(pool);
    if (x === null) return null;
    const { shape, batched } = pool.spec(x);
    const padding = shape.map((size, axis) => {
      const most = Math.min(2, size - 1);
      return batched && axis === 0
        ? [0, 0]
        : [pool.random.integer(0, most), pool.random.integer(0, most)];
    });
    const mode = pool.random.pick(['constant', 'reflect', 'replicate']);
    return drawn([x], { padding, mode, ...(mode === 'constant' ? { value: 0.5 } : {}) });
  },
  call: ([x], { padding, ...settings }) =>
    ops.pad(x as Operand, padding as [number, number][], settings),
};

/** `row` for every image: natively a computed value, so that it is batched as the images are. */
function rowForEach(x: Operand, row: readonly number[]): Operand {
  const sizes = ops.stopGradient(ops.mean(x, { axis: [1, 2, 3] }));
  const nothing = ops.reshape(ops.sub(sizes, sizes), [x.shape[0] as number, 1]);
  return ops.add(nothing, tensor(row, [1, row.length], x.dtype));
}

const warpAffine: Rule = {
  draw(pool) {
    const x = pool.ofRank(4);
    if (x === null) return null;
    const [, , h = 0, w = 0] = pool.spec(x).shape;
    // Eighths: exact in both dtypes.
    const some = (least: number, most: number): number =>
      pool.random.integer(8 * least, 8 * most) / 8;
    const matrix = [some(-1, 1), some(-1, 1), some(-1, h), some(-1, 1), some(-1, 1), some(-1, w)];
    const mode = pool.random.pick(['nearest', 'bilinear']);
    return drawn([x], { matrix, mode, fill: pool.random.pick([0, 0.5]) });
  },
  call: ([x], { matrix, ...settings }) =>
    ops.warpAffine(x as Operand, rowForEach(x as Operand, matrix as number[]), settings),
};

const erase: Rule = {
  draw(pool) {
    const x = pool.ofRank(4);
    if (x === null) return null;
    const box = Array.from({ length: 4 }, () => pool.random.integer(-1, 5));
    return drawn([x], { box, value: pool.random.pick([0, 0.5]) });
  },
  call: ([x], { box, ...settings }) => {
    const boxes = ops.cast(rowForEach(x as Operand, box as number[]), 'int32');
    return ops.erase(x as Operand, boxes, settings);
  },
};

function dropout(name: string, ...ranks: number[]): Rule {
  return {
    draw(pool) {
      const x = ranks.length > 0 ? pool.ofRank(...ranks) : pool.value();
      const [seed, step] = [pool.random.integer(0, 99), pool.random.integer(0, 9)];
      return drawn([x], { rate: pool.random.pick([0.25, 0.5]), seed, step, stream: 'a' });
    },
    call: ([x], settings) => named(name)(x, settings),
  };
}

const linear: Rule = {
  weight: 6,
  draw(pool) {
    const x = pool.ofRank(2, 3, 4);
    if (x === null) return null;
    const features = elementCount(pool.spec(x).shape.slice(1));
    const outputs = pool.random.integer(1, 5);
    const bias = pool.chance(0.7) ? [pool.operand([outputs])] : [];
    const range = { low: -1 / Math.sqrt(features), high: 1 / Math.sqrt(features) };
    const weight = pool.all(
      ({ shape, batched }) => !batched && shape[1] === features && shape.length === 2,
    );
    const known = weight.length > 0 && pool.chance(0.5) && bias.length === 0;
    return drawn([
      x,
      known ? pool.random.pick(weight) : pool.leaf([outputs, features], range),
      ...bias,
    ]);
  },
  call: ([x, weight, bias]) => ops.linear(x as Operand, weight as Operand, bias ?? null),
};

const matmul: Rule = {
  draw(pool) {
    const a = pool.ofRank(2, 3);
    if (a === null) return null;
    const { shape, batched = false } = pool.spec(a);
    const [transposeA, transposeB] = [pool.chance(0.3), pool.chance(0.3)];
    const inner = shape.at(transposeA ? -2 : -1) as number;
    const outer = pool.random.integer(1, 4);
    const plane = transposeB ? [outer, inner] : [inner, outer];
    const alike = transposeA && shape.length === 2 && batched;
    const shared = shape.length === 3 ? pool.random.pick([[], [1], [shape[0] as number]]) : [];
    const b = pool.operand([...shared, ...plane], alike || (batched && (shared[0] ?? 1) !== 1));
    return drawn([a, b], { transposeA, transposeB });
  },
  call: ([a, b], settings) => ops.matmul(a as Operand, b as Operand, settings),
};

const maxout: Rule = {
  draw(pool) {
    const x = movable(pool);
    if (x === null) return null;
    const axis = pool.axis(x);
    const size = pool.spec(x).shape[axis] as number;
    const pieces = [2, 3].filter((count) => size % count === 0);
    return pieces.length === 0 ? null : drawn([x], { axis, pieces: pool.random.pick(pieces) });
  },
  call: ([x], settings) => named('maxout')(x, settings),
};

/** Operators that move elements, and products. */
export const movementRules: Readonly<Record<string, Rule>> = {
  reshape,
  flatten: {
    draw: (pool) => drawn([pool.ofRank(1, 2, 3, 4)]),
    call: ([x]) => ops.flatten(x as Operand),
  },
  transpose,
  concat,
  unsqueeze,
  squeeze,
  stack,
  cast,
  slice,
  gather,
  gatherRows,
  warpAffine,
  erase,
  flip,
  rot90,
  pad,
  dropout: dropout('dropout'),
  spatialDropout: dropout('spatialDropout', 2, 3, 4),
  linear,
  matmul,
  maxout,
};
