import type { ValidCall } from './call.ts';
import {
  anyShape,
  axes,
  axis,
  axisList,
  choice,
  count,
  counts,
  flag,
  integers,
  numeric,
  operand,
  optional,
  padding,
  required,
  sizes,
  type ValueRule,
  value,
} from './rules.ts';

type Options = Readonly<Record<string, ValueRule>>;

const image = [2, 4, 6, 6];

const inf = Number.POSITIVE_INFINITY;

const binary: ValidCall = {
  arguments: {
    a: anyShape([2, 3], { tied: [1], orNumber: true }),
    b: anyShape([2, 3], { tied: [1], orNumber: true }),
  },
};

const unary: ValidCall = { arguments: { x: anyShape([2, 3]) } };

const reduction: ValidCall = { ...unary, options: { axis: axes(1, 2), keepDims: flag(true) } };

const place: ValidCall = { ...unary, options: { axis: axis(1, 2), keepDims: flag(true) } };

const softmax: ValidCall = { ...unary, options: { axis: axis(1, 2) } };

function withOptions(options: Options): ValidCall {
  return { ...unary, options };
}

const columns: Options = {
  kernelSize: required(counts(2)),
  stride: counts(2),
  padding: padding(0),
  dilation: counts(1),
};

const dropout: ValidCall = {
  arguments: { x: operand(image, [], { anyRank: true }) },
  options: {
    rate: numeric(0.5, -0.1, 1, 1.5),
    seed: value(1, [-1, 0.5, Number.NaN, '1', 2 ** 53]),
    step: value(1, [-1, 0.5, Number.NaN, '1']),
  },
};

const elementwise: Readonly<Record<string, ValidCall>> = {
  ...Object.fromEntries(
    [
      ...['add', 'sub', 'mul', 'div', 'pow', 'maximum', 'minimum'],
      ...['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'],
    ].map((name) => [name, binary]),
  ),
  where: {
    arguments: {
      condition: integers([2, 3], 'uint8', [1], { anyRank: true }),
      a: anyShape([2, 3], { tied: [1], orNumber: true }),
      b: anyShape([2, 3], { tied: [1], orNumber: true }),
    },
  },
  ...Object.fromEntries(
    [
      ...['neg', 'abs', 'square', 'sqrt', 'exp', 'log', 'sin', 'cos', 'tanh', 'erf', 'sigmoid'],
      ...['relu', 'relu6', 'selu', 'mish', 'swish', 'hardSwish'],
    ].map((name) => [name, unary]),
  ),
  clip: withOptions({ min: numeric(0), max: numeric(1, -1) }),
  leakyRelu: withOptions({ negativeSlope: numeric(0.1, inf) }),
  elu: withOptions({ alpha: numeric(1, inf) }),
  gelu: withOptions({ approximate: choice('tanh') }),
  softplus: withOptions({ beta: numeric(1, 0, -1, inf), threshold: numeric(20) }),
  prelu: { arguments: { x: operand([2, 3], [1], { anyRank: true }), slope: operand([3], [0]) } },
  maxout: {
    arguments: { x: anyShape([2, 4]) },
    options: {
      pieces: required(value(2, [...count(1).wrong.filter((n) => n !== 2), 3])),
      axis: axis(1, 2),
    },
  },
  softmax,
  logSoftmax: softmax,
};

const reductions: Readonly<Record<string, ValidCall>> = {
  sum: reduction,
  mean: reduction,
  max: reduction,
  min: reduction,
  argmax: place,
  argmin: place,
  matmul: {
    arguments: { a: operand([2, 3], [1]), b: operand([3, 4], [0]) },
    options: { transposeA: flag(false), transposeB: flag(false) },
  },
  linear: {
    arguments: { x: operand([2, 3], [1]), weight: operand([4, 3], [1]), bias: optional([4]) },
  },
};

const movement: Readonly<Record<string, ValidCall>> = {
  reshape: {
    arguments: {
      x: anyShape([2, 3], { dtypes: 'any' }),
      shape: value([3, 2], [[4], [2, 3, 2], [1.5, 4], [-2, -3], [Number.NaN]], 'ERR_SHAPE'),
    },
  },
  flatten: { arguments: { x: anyShape([2, 3], { dtypes: 'any' }) } },
  squeeze: {
    arguments: { x: anyShape([2, 1], { tied: [1], dtypes: 'any' }) },
    options: { axis: axes(1, 2) },
  },
  unsqueeze: {
    arguments: { x: anyShape([2, 3], { dtypes: 'any' }) },
    options: { axis: required(axis(1, 3)) },
  },
  stack: {
    arguments: { xs: value([operand([2, 3]).tensor], [[], 5, [5], [null]]) },
    options: { axis: axis(1, 3) },
  },
  cast: {
    arguments: { x: anyShape([2, 3], { dtypes: 'any' }), dtype: choice('int32') },
  },
  stopGradient: {
    arguments: { x: anyShape([2, 3], { dtypes: 'any' }) },
  },
  transpose: {
    arguments: {
      x: anyShape([2, 3], { dtypes: 'any' }),
      axes: value([1, 0], [[0], [0, 0], [0, 2], [0, 0.5], 'T', 3]),
    },
  },
  concat: {
    arguments: { xs: value([operand([2, 3]).tensor], [[], 5, [5], [null]]) },
    options: { axis: axis(1, 2) },
  },
  slice: {
    arguments: {
      x: anyShape([4, 3], { dtypes: 'any' }),
      ranges: value(
        [
          [1, 3],
          [0, 3, 2],
        ],
        [
          5,
          [[1]],
          [[0, 1, 0]],
          [[0, 1, -1]],
          [[0.5, 1]],
          [[0, 1], null, null],
          [['0', 1]],
          [[0, 1, 1, 1]],
        ],
      ),
    },
  },
  gather: {
    arguments: {
      x: anyShape([4, 3], { dtypes: 'any' }),
      indices: integers([2], 'int32', [], { anyRank: true, orList: true }),
    },
    options: { axis: axis(1, 2) },
  },
  flip: { arguments: { x: anyShape([2, 3], { dtypes: 'any' }), axes: axisList([1], 2) } },
  rot90: {
    arguments: { x: anyShape([2, 3], { dtypes: 'any' }) },
    options: {
      k: value(1, [0.5, Number.NaN, '1']),
      axes: value([0, 1], [[0], [0, 0], [0, 2], [0, 1, 2], 1]),
    },
  },
  pad: {
    arguments: {
      x: anyShape([3, 4], { dtypes: 'any' }),
      padding: value(
        [[1, 1]],
        [
          5,
          [1, 1],
          [[1]],
          [[-1, 0]],
          [[0.5, 0]],
          [
            [1, 1],
            [1, 1],
            [1, 1],
          ],
          [[1, 1, 1]],
          [['1', 0]],
        ],
      ),
    },
    options: { mode: choice('reflect'), value: value(0, ['1', {}, true]) },
  },
  gatherRows: {
    arguments: {
      data: anyShape([4, 3], { dtypes: 'any' }),
      indices: integers([2], 'int32'),
    },
    options: { dtype: choice('float64'), scale: numeric(1), offset: numeric(0) },
  },
  warpAffine: {
    arguments: {
      x: operand([2, 3, 4, 5], [0]),
      matrices: operand([2, 2, 3], [0, 1, 2], { dtypes: 'ownFloating' }),
    },
    options: { mode: choice('nearest'), fill: numeric(0.5, inf) },
  },
  erase: {
    arguments: { x: operand([2, 3, 4, 5], [0]), boxes: integers([2, 4], 'int32', [0, 1]) },
    options: { value: numeric(0.5, inf) },
  },
  dropout,
  spatialDropout: dropout,
  unfold: { arguments: { x: operand(image, [], { dtypes: 'any' }) }, options: columns },
  fold: {
    arguments: { columns: operand([2, 16, 9], [1, 2]) },
    options: { outputSize: required(sizes(6)), ...columns },
  },
};

/** Operators on values one by one, reductions, products and movement. */
export const ofValuesAndPlaces: Readonly<Record<string, ValidCall>> = {
  ...elementwise,
  ...reductions,
  ...movement,
};
