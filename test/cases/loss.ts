import type { Reduction } from '../../lib/ops/softmaxCrossEntropy.ts';
import { type Tensor, tensor, zeros } from '../../lib/tensor.ts';
import {
  type Case,
  type ErrorModel,
  type Family,
  type Input,
  indices,
  integers,
  literal,
  sizes,
  uniform,
  type WrongCall,
  type WrongData,
} from './case.ts';

const reductions: readonly Reduction[] = ['mean', 'sum', 'none'];
const tiny = 2 ** -126;

function row(tensor: Tensor | null | undefined, n: number): number[] {
  if (!tensor) return [];
  const width = tensor.shape[1] ?? 1;
  return Array.from(tensor.data.slice(n * width, (n + 1) * width));
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** What the sum of C exponentials adds to a relative error, in u. */
function sumError(C: number): number {
  return 4 * Math.sqrt(C) + Math.log(C + 1) + 16;
}

const softmaxDerivation =
  'x − max rounds once, which moves exp by (max − x)·u; exp is good to 8 u; the sum of C of them ' +
  'to 4·√C·u plus the mean of (max − x) under p, at most log C; one division';

/** Bounds of softmax's elements, row by row. */
function softmaxBounds(x: Tensor, p: readonly number[], u: number): number[] {
  const C = x.shape[1] ?? 1;
  return p.map((value, i) => {
    const largest = Math.max(...row(x, Math.floor(i / C)));
    const depth = largest - (x.data[i] as number);
    return (depth + sumError(C)) * u * value + tiny;
  });
}

const softmaxModel: ErrorModel = {
  kind: 'composed',
  derivation: softmaxDerivation,
  bounds: ([x], [p], u) => [softmaxBounds(x as Tensor, Array.from((p as Tensor).data), u)],
};

const softmaxGradientModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'the dot product errs by (4·√C + 1)·u·Σ|dy·y|; difference and product round once each',
  bounds: ([dy, y], _, u) => {
    const [g, p] = [dy as Tensor, y as Tensor];
    const bounds: number[] = [];
    for (let n = 0; n < (p.shape[0] as number); n++) {
      const [gs, ps] = [row(g, n), row(p, n)];
      const magnitude = sum(gs.map((value, i) => Math.abs(value * (ps[i] as number))));
      const error = (4 * Math.sqrt(gs.length) + 1) * magnitude;
      for (const [i, value] of ps.entries()) {
        bounds.push(
          Math.abs(value) * u * (error + 4 * (Math.abs(gs[i] as number) + magnitude)) + tiny,
        );
      }
    }
    return [bounds];
  },
};

function targetsOf(labels: Tensor, n: number, C: number): number[] {
  if (labels.shape.length === 2) return row(labels, n);
  return Array.from({ length: C }, (_, c) => (c === labels.data[n] ? 1 : 0));
}

function logSumOf(z: readonly number[]): number {
  const largest = Math.max(...z);
  return Math.log(sum(z.map((value) => Math.exp(value - largest)))) + largest;
}

const crossEntropyModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'the sum of exponentials has relative error ε = (4·√C + log C + 16)·u, its logarithm that much ' +
    'absolutely; maximum, logit and products round relative to themselves; then a sum of N terms',
  bounds: ([logits, labels], [loss], u, { reduction }) => {
    const [z, y] = [logits as Tensor, labels as Tensor];
    const [N = 0, C = 0] = z.shape;
    const each = Array.from({ length: N }, (_, n) => {
      const [zs, ts] = [row(z, n), targetsOf(y, n, C)];
      const scale = 1 + Math.abs(logSumOf(zs)) + Math.max(...zs.map(Math.abs));
      const weighted = ts.map((t, c) => Math.abs(t) * (scale + Math.abs(zs[c] as number)));
      return sumError(C) * u * sum(weighted);
    });
    if (reduction === 'none') return [each];
    const whole =
      sum(each) +
      (4 * Math.sqrt(N) + 2) *
        u *
        Math.abs(loss?.data[0] as number) *
        (reduction === 'mean' ? N : 1);
    return [[reduction === 'mean' ? whole / N : whole]];
  },
};

const crossEntropyGradientModel: ErrorModel = {
  kind: 'composed',
  derivation:
    "softmax's error times the targets' mass, whose sum of C terms errs by 4·√C·u; the difference " +
    'rounds relative to its parts, the scale (dloss/N) and the product once each',
  bounds: ([logits, labels, dloss], _, u, { reduction }) => {
    const [z, y, d] = [logits as Tensor, labels as Tensor, dloss as Tensor];
    const [N = 0, C = 0] = z.shape;
    const bounds: number[] = [];
    for (let n = 0; n < N; n++) {
      const [zs, ts] = [row(z, n), targetsOf(y, n, C)];
      const mass = sum(ts.map(Math.abs));
      const logSum = logSumOf(zs);
      const largest = Math.max(...zs);
      const scale =
        Math.abs(d.data[reduction === 'none' ? n : 0] as number) / (reduction === 'mean' ? N : 1);
      for (const [c, value] of zs.entries()) {
        const p = Math.exp(value - logSum);
        const error = (largest - value + sumError(C) + 4 * Math.sqrt(C)) * u * p + tiny;
        bounds.push(scale * (mass * error + 4 * u * (mass * p + Math.abs(ts[c] as number))) + tiny);
      }
    }
    return [bounds];
  },
};

const squaredErrorModel = (reduction: Reduction): ErrorModel =>
  reduction === 'none'
    ? { kind: 'ulp', ulps: 2 }
    : {
        kind: 'composed',
        derivation:
          'each square has relative error 3u, all are positive; a sum of K terms; a division',
        bounds: ([prediction], [loss], u) => {
          const terms = (prediction as Tensor).size;
          return [[(4 * Math.sqrt(terms) + 4) * u * Math.abs(loss?.data[0] as number)]];
        },
      };

/** Rows of positive numbers that add up to 1. */
function probabilities(N: number, C: number): Input {
  return (making) => {
    const weights = uniform([N, C], 0.1, 1)(making) as Tensor;
    return tensor(
      Array.from(weights.data, (value, i) => value / sum(row(weights, Math.floor(i / C)))),
      [N, C],
      making.dtype,
    );
  };
}

/** The softmax of random logits. */
function softmaxed(N: number, C: number): Input {
  return (making) => {
    const z = uniform([N, C], -4, 4)(making) as Tensor;
    return tensor(
      Array.from(z.data, (value, i) => Math.exp(value - logSumOf(row(z, Math.floor(i / C))))),
      [N, C],
      making.dtype,
    );
  };
}

const gradientOf = (size: number, ...inputs: number[]) =>
  size > 0 && size <= 100 ? { gradient: { inputs, tolerance: 1e-6 } } : {};

function softmaxCases(N: number, C: number): Case[] {
  const common = { title: sizes([N, C]), seed: 1, attributes: {} };
  return [
    {
      ...common,
      operator: 'softmax',
      inputs: [uniform([N, C], -8, 8)],
      model: softmaxModel,
      perSample: [0],
      ...gradientOf(N * C, 0),
    },
    {
      ...common,
      operator: 'softmaxGradient',
      inputs: [uniform([N, C]), softmaxed(N, C)],
      model: softmaxGradientModel,
      perSample: [0, 1],
    },
  ];
}

function crossEntropyCases(N: number, C: number): Case[] {
  const kinds: [string, Input][] = [
    ['int32 labels', indices(N, C)],
    ['uint8 labels', indices(N, Math.min(C, 256), 'uint8')],
    ['targets', probabilities(N, C)],
    ['targets of any sum', uniform([N, C], -1, 1)],
  ];
  return kinds.flatMap(([kind, labels]) =>
    reductions.flatMap((reduction): Case[] => {
      const common = {
        title: `${sizes([N, C])}, ${kind}, ${reduction}`,
        seed: 1,
        attributes: { reduction },
      };
      return [
        {
          ...common,
          operator: 'softmaxCrossEntropy',
          inputs: [uniform([N, C], -6, 6), labels],
          model: crossEntropyModel,
          ...(reduction === 'none' ? { perSample: [0, 1] } : {}),
          ...gradientOf(N * C, 0),
        },
        {
          ...common,
          operator: 'softmaxCrossEntropyGradient',
          inputs: [
            uniform([N, C], -6, 6),
            labels,
            uniform(reduction === 'none' ? [N] : [], 0.5, 2),
          ],
          model: crossEntropyGradientModel,
          ...(reduction === 'none' ? { perSample: [0, 1, 2] } : {}),
        },
      ];
    }),
  );
}

function squaredErrorCases(shape: readonly number[]): Case[] {
  const size = shape.reduce((a, b) => a * b, 1);
  return reductions.flatMap((reduction): Case[] => {
    const common = { title: `${sizes(shape)}, ${reduction}`, seed: 1, attributes: { reduction } };
    return [
      {
        ...common,
        operator: 'squaredError',
        inputs: [uniform(shape), uniform(shape)],
        model: squaredErrorModel(reduction),
        ...gradientOf(size, 0, 1),
      },
      {
        ...common,
        operator: 'squaredErrorGradient',
        inputs: [
          uniform(shape),
          uniform(shape),
          uniform(reduction === 'none' ? shape : [], 0.5, 2),
        ],
        model: { kind: 'ulp', ulps: 4 },
      },
    ];
  });
}

function countCases(N: number, C: number): Case[] {
  return [
    ['int32 labels', indices(N, C)] as const,
    ['uint8 labels', indices(N, Math.min(C, 256), 'uint8')] as const,
    ['targets', integers([N, C], 0, 2)] as const,
  ].map(([kind, labels]) => ({
    operator: 'countCorrect',
    title: `${sizes([N, C])}, ${kind}, logits that tie`,
    seed: 1,
    inputs: [integers([N, C], -2, 2), labels],
    attributes: {},
    model: { kind: 'exact' as const },
  }));
}

const extreme = [1e4, -1e4, 0, 3e4, 3e4, -3e4, 80, 100, -100, 88, 89, -88];

const special: Case[] = [
  {
    operator: 'softmax',
    title: 'logits far apart, and all equal',
    seed: 1,
    inputs: [literal([...extreme, ...new Array(4).fill(7)], [4, 4])],
    attributes: {},
    model: softmaxModel,
  },
  ...reductions.map(
    (reduction): Case => ({
      operator: 'softmaxCrossEntropy',
      title: `logits far apart, ${reduction}`,
      seed: 1,
      inputs: [
        literal([...extreme, ...new Array(4).fill(7)], [4, 4]),
        literal([0, 3, 1, 2], [4], 'int32'),
      ],
      attributes: { reduction },
      model: crossEntropyModel,
    }),
  ),
  {
    operator: 'softmaxCrossEntropyGradient',
    title: 'logits far apart',
    seed: 1,
    inputs: [
      literal([...extreme, ...new Array(4).fill(7)], [4, 4]),
      literal([0, 3, 1, 2], [4], 'int32'),
      literal([1], []),
    ],
    attributes: { reduction: 'mean' },
    model: crossEntropyGradientModel,
  },
  {
    operator: 'countCorrect',
    title: 'NaN counts as the largest, the first of equals wins',
    seed: 1,
    inputs: [
      literal([1, Number.NaN, 2, 3, 3, 1, -0, 0, 0, 1, 2, Number.NaN], [4, 3]),
      literal([1, 0, 0, 1], [4], 'int32'),
    ],
    attributes: {},
    model: { kind: 'exact' },
  },
];

const shapes = [
  [1, 1],
  [3, 4],
  [5, 10],
  [0, 3],
  [2, 17],
  [7, 65],
  [64, 10],
  [1, 300],
  [257, 3],
] as const;

const wrongCalls: WrongCall[] = [
  {
    operator: 'softmax',
    title: 'rank 3',
    call: (ops) => ops.softmax(zeros([2, 3, 4])),
    code: 'ERR_SHAPE',
    message: ['softmax', '(2, 3, 4)'],
  },
  {
    operator: 'softmaxCrossEntropy',
    title: 'batches that differ',
    call: (ops) => ops.softmaxCrossEntropy(zeros([4, 3]), zeros([5], 'int32')),
    code: 'ERR_SHAPE',
    message: ['softmaxCrossEntropy', '(4, 3)', '(5)'],
  },
  {
    operator: 'softmaxCrossEntropy',
    title: 'floating labels',
    call: (ops) => ops.softmaxCrossEntropy(zeros([4, 3]), zeros([4])),
    code: 'ERR_DTYPE',
    message: ['softmaxCrossEntropy', 'float32 (4)'],
  },
  {
    operator: 'softmaxCrossEntropy',
    title: 'targets of another shape',
    call: (ops) => ops.softmaxCrossEntropy(zeros([4, 3]), zeros([4, 2])),
    code: 'ERR_SHAPE',
    message: ['softmaxCrossEntropy', '(4, 3)', '(4, 2)'],
  },
  {
    operator: 'softmaxCrossEntropy',
    title: 'an unknown reduction',
    call: (ops) =>
      ops.softmaxCrossEntropy(zeros([4, 3]), zeros([4], 'int32'), {
        reduction: 'max' as Reduction,
      }),
    code: 'ERR_ARGUMENT',
    message: ['softmaxCrossEntropy', "'max'"],
  },
  {
    operator: 'squaredError',
    title: 'shapes that differ',
    call: (ops) => ops.squaredError(zeros([4, 3]), zeros([4])),
    code: 'ERR_SHAPE',
    message: ['squaredError', '(4, 3)', '(4)'],
  },
  {
    operator: 'countCorrect',
    title: 'batches that differ',
    call: (ops) => ops.countCorrect(zeros([4, 3]), zeros([3], 'uint8')),
    code: 'ERR_SHAPE',
    message: ['countCorrect', '(4, 3)', '(3)'],
  },
];

function wrongLabels(
  operator: string,
  more: readonly Input[],
  attributes: Case['attributes'],
): WrongData[] {
  const labels: [string, readonly number[], 'int32' | 'uint8', string, string][] = [
    ['a label above the classes', [0, 1, 3, 2], 'int32', '2', '3'],
    ['a negative label', [0, -1, 1, 2], 'int32', '1', '-1'],
    ['a huge label', [2 ** 31 - 1, 0, 1, 2], 'int32', '0', String(2 ** 31 - 1)],
    ['a uint8 label above the classes', [0, 1, 2, 255], 'uint8', '3', '255'],
  ];
  return labels.map(([title, values, dtype, sample, value]) => ({
    operator,
    title: `${operator}: ${title}`,
    inputs: [uniform([4, 3]), literal(values, [4], dtype), ...more],
    attributes: attributes as WrongData['attributes'],
    code: 'ERR_ARGUMENT',
    message: [operator, sample, value],
  }));
}

/** Softmax, the losses, and counting what is right. */
export const lossCases: Family = {
  cases: [
    ...shapes.flatMap(([N, C]) => [
      ...softmaxCases(N, C),
      ...crossEntropyCases(N, C),
      ...countCases(N, C),
    ]),
    ...[[1], [5], [3, 4], [0, 3], [2, 3, 4, 5], [1000, 7], []].flatMap(squaredErrorCases),
    ...special,
  ],
  wrongCalls,
  wrongData: [
    ...reductions.flatMap((reduction) => wrongLabels('softmaxCrossEntropy', [], { reduction })),
    ...wrongLabels('softmaxCrossEntropyGradient', [uniform([])], { reduction: 'mean' }),
    ...wrongLabels('countCorrect', [], {}),
  ],
};
