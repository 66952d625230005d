import { trace } from '../../lib/computation/trace.ts';
import { elementCount } from '../../lib/shape.ts';
import { type Tensor, tensor, zeros } from '../../lib/tensor.ts';
import {
  absent,
  type Case,
  type ErrorModel,
  type Family,
  type Input,
  lengths,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { sum, tiny } from './rows.ts';

/** The rows that are normalized, and what one of them is like. */
function rowsOf(x: Tensor, axes: number): number[][] {
  const D = elementCount(x.shape.slice(x.shape.length - axes));
  const R = elementCount(x.shape.slice(0, x.shape.length - axes));
  return Array.from({ length: R }, (_, r) => Array.from(x.data.slice(r * D, (r + 1) * D)));
}

function deviation(row: readonly number[]): number {
  const mean = sum(row) / row.length;
  return Math.sqrt(sum(row.map((value) => (value - mean) ** 2)) / row.length);
}

/** The error of a mean of deviations over a row, in u, relative to their size. */
const statistic = (D: number): number => 4 * Math.sqrt(Math.min(D, 4096)) + 16;
const at = (tensor: Tensor | null | undefined, i: number, otherwise: number): number =>
  Math.abs(tensor ? (tensor.data[i] as number) : otherwise);

const layerNormModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'with S = 4·√min(D, 4096) + 16 the mean errs by S·u of the deviation σ, the variance by S·u of ' +
    'itself, the inverse deviation by half of that; differences, products and the bias round once ' +
    'or twice each; the mean of the reference rounds in float64',
  bounds: ([x, w, b], [y, mean, inverse], u, { axes }) => {
    const rows = rowsOf(x as Tensor, axes as number);
    const D = rows[0]?.length ?? 1;
    const S = statistic(D);
    const ys = Array.from((y as Tensor).data, (value, i) => {
      const [r, d] = [Math.floor(i / D), i % D];
      const [weight, shift] = [at(w, d, 1), at(b, d, 0)];
      const rounded = 2 * 2 ** -53 * at(mean, r, 0) * at(inverse, r, 0) * weight;
      const scaled = Math.abs(value as number) + 2 * shift;
      return u * ((S / 2 + 12) * scaled + 2 * S * weight) + rounded + tiny;
    });
    const means = rows.map((row, r) => u * (4 * at(mean, r, 0) + S * deviation(row)) + tiny);
    return [ys, means, rows.map((_, r) => (S / 2 + 8) * u * at(inverse, r, 0))];
  },
};

const gradientModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'with S = 4·√min(D, 4096) + 16, g = dy·weight and x̂ = (x − mean)·inverse, the means of g and ' +
    'g·x̂ err by S·u of the means of sizes, each element takes eight roundings more; the sums of R ' +
    'rows err by (4·√R + 16)·u of the sums of sizes',
  bounds: ([dy, x, mean, inverse, w], _, u, { axes }) => {
    const [messages, rows] = [
      rowsOf(dy as Tensor, axes as number),
      rowsOf(x as Tensor, axes as number),
    ];
    const D = elementCount((x as Tensor).shape.slice(-(axes as number)));
    const S = statistic(D);
    const R = 4 * Math.sqrt(rows.length) + 16;
    const [dx, dweight, dbias]: number[][] = [[], new Array(D).fill(tiny), new Array(D).fill(tiny)];
    rows.forEach((row, r) => {
      const scale = at(inverse, r, 1);
      const far = row.map((value) => Math.abs(value - (mean?.data[r] as number)) * scale);
      const g = row.map((_v, d) => Math.abs(messages[r]?.[d] as number) * at(w, d, 1));
      const [sums, products] = [sum(g) / D, sum(g.map((v, d) => v * (far[d] as number))) / D];
      row.forEach((_v, d) => {
        const moved = (S + 8) * (sums + (far[d] as number) * products);
        dx?.push(scale * u * (8 * (g[d] as number) + moved) + tiny);
        const message = Math.abs(messages[r]?.[d] as number);
        if (dweight) dweight[d] = (dweight[d] as number) + R * u * message * (far[d] as number);
        if (dbias) dbias[d] = (dbias[d] as number) + R * u * message;
      });
    });
    return [dx as number[], dweight as number[], dbias as number[]];
  },
};

/** A statistic of the rows of the x among the inputs before. */
function statisticOf(axes: number, kind: 'mean' | 'inverse'): Input {
  return ({ inputs, dtype }) => {
    const x = inputs[1] as Tensor;
    const values = rowsOf(x, axes).map((row) =>
      kind === 'mean' ? sum(row) / row.length : 1 / Math.sqrt(deviation(row) ** 2 + 1e-5),
    );
    return tensor(Float64Array.from(values), x.shape.slice(0, x.shape.length - axes), dtype);
  };
}

interface Options {
  readonly center?: number;
  readonly affine?: boolean;
  readonly checked?: boolean;
}

function casesOf(
  shape: readonly number[],
  axes: number,
  { center = 0.5, affine = true, checked = false }: Options = {},
): Case[] {
  const last = shape.slice(shape.length - axes);
  const weight = affine ? uniform(last, 0.5, 2) : absent;
  const bias = affine ? uniform(last) : absent;
  const x = uniform(shape, center - 2, center + 2);
  const kind = `${affine ? '' : ', plain'}${center === 0.5 ? '' : `, around ${center}`}`;
  const common = { title: `${sizes(shape)}, ${axes} axes${kind}`, seed: 8 };
  const claimed = affine ? [0, 1, 2] : [0];
  return [
    {
      ...common,
      operator: 'layerNorm',
      inputs: [x, weight, bias],
      attributes: { axes, epsilon: 1e-5 },
      model: layerNormModel,
      ...(axes < shape.length ? { perSample: [0] } : {}),
      ...(checked ? { gradient: { inputs: claimed, tolerance: 1e-6, outputs: [0] } } : {}),
    },
    {
      ...common,
      operator: 'layerNormGradient',
      inputs: [uniform(shape), x, statisticOf(axes, 'mean'), statisticOf(axes, 'inverse'), weight],
      attributes: { axes },
      model: gradientModel,
      // x moves without its statistics here: test/second-derivatives.test.ts moves both.
      ...(checked ? { gradient: { inputs: affine ? [0, 4] : [0], tolerance: 1e-6 } } : {}),
    },
  ];
}

const cases: Case[] = [
  ...lengths.flatMap((D) => casesOf([3, D], 1, { checked: D > 7 && D < 20 })),
  ...casesOf([2, 3, 4, 5], 3, { checked: true }),
  ...casesOf([2, 3, 4, 5], 2),
  ...casesOf([2, 3, 4, 5], 1, { affine: false, checked: true }),
  ...casesOf([3, 5], 2),
  ...casesOf([300, 70], 1),
  ...casesOf([1100, 33], 1),
  ...casesOf([3, 9001], 1),
  ...casesOf([3, 300], 1, { center: 1000 }),
  ...casesOf([3, 300], 1, { center: -3e4, affine: false }),
  ...casesOf([0, 5], 1),
  ...casesOf([3, 0], 1),
];

const wrongCalls: WrongCall[] = [
  {
    operator: 'layerNorm',
    title: 'another normalized shape',
    call: (ops) => ops.layerNorm(zeros([2, 3, 4]), [4, 3]),
    code: 'ERR_SHAPE',
    message: ['layerNorm', '(2, 3, 4)', '(4, 3)'],
  },
  {
    operator: 'layerNorm',
    title: 'no normalized axis',
    call: (ops) => ops.layerNorm(zeros([2, 3]), []),
    code: 'ERR_SHAPE',
    message: ['layerNorm', '(2, 3)', '()'],
  },
  {
    operator: 'layerNorm',
    title: 'a weight of another shape',
    call: (ops) => ops.layerNorm(zeros([2, 3, 4]), [3, 4], zeros([4])),
    code: 'ERR_SHAPE',
    message: ['layerNorm', 'weight', '(4)', '(3, 4)'],
  },
  {
    operator: 'layerNorm',
    title: 'the axis of the batch',
    call: (ops) =>
      trace((x) => ops.layerNorm(x, [2, 3]), { shape: [2, 3], dtype: 'float32', batched: true }),
    code: 'ERR_SHAPE',
    message: ['layerNorm', '(2, 3)', 'batch'],
  },
  {
    operator: 'layerNorm',
    title: 'integers',
    call: (ops) => ops.layerNorm(zeros([2, 3], 'int32'), 3),
    code: 'ERR_DTYPE',
    message: ['layerNorm', 'int32'],
  },
  {
    operator: 'layerNorm',
    title: 'an epsilon that is no number',
    call: (ops) => ops.layerNorm(zeros([2, 3]), 3, null, null, { epsilon: Number.NaN }),
    code: 'ERR_ARGUMENT',
    message: ['layerNorm', 'epsilon', 'NaN'],
  },
  {
    operator: 'groupNorm',
    title: 'groups that do not divide the channels',
    call: (ops) => ops.groupNorm(zeros([2, 6, 4]), 4),
    code: 'ERR_SHAPE',
    message: ['groupNorm', '4', '(2, 6, 4)'],
  },
  {
    operator: 'groupNorm',
    title: 'no group',
    call: (ops) => ops.groupNorm(zeros([2, 6, 4]), 0),
    code: 'ERR_ARGUMENT',
    message: ['groupNorm', 'groups', '0'],
  },
  {
    operator: 'groupNorm',
    title: 'a bias of another size',
    call: (ops) => ops.groupNorm(zeros([2, 6, 4]), 3, null, zeros([4])),
    code: 'ERR_SHAPE',
    message: ['groupNorm', 'bias', '(4)', '(2, 6, 4)'],
  },
];

/** Layer normalization and its gradient; what group normalization refuses. */
export const layerNormCases: Family = { cases, wrongCalls, wrongData: [] };
