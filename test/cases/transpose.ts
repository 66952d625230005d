import { zeros } from '../../lib/tensor.ts';
import {
  bytes,
  type Case,
  type Family,
  type Functions,
  type Input,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';

const exact = { kind: 'exact' } as const;

function casesOf(shape: readonly number[], axes: readonly number[]): Case[] {
  const size = shape.reduce((a, b) => a * b, 1);
  const values: [string, Input][] = [
    ['floats', uniform(shape)],
    ['uint8', bytes(shape)],
    ['int32', bytes(shape, 'int32')],
  ];
  return values.map(([name, input]) => ({
    operator: 'transpose',
    title: `${sizes(shape)} by (${axes.join(', ')}), ${name}`,
    seed: 1,
    inputs: [input],
    attributes: { axes },
    model: exact,
    ...(axes[0] === 0 && shape.length > 1 && size > 0 ? { perSample: [0] } : {}),
    ...(name === 'floats' && size > 0 && size <= 120
      ? { gradient: { inputs: [0], tolerance: 1e-6 } }
      : {}),
  }));
}

const transposes: [readonly number[], readonly number[]][] = [
  [
    [3, 4],
    [1, 0],
  ],
  [
    [1, 1],
    [1, 0],
  ],
  [
    [0, 3],
    [1, 0],
  ],
  [[5], [0]],
  [[], []],
  [
    [2, 3, 4],
    [2, 0, 1],
  ],
  [
    [2, 3, 4, 5],
    [0, 2, 3, 1],
  ],
  [
    [2, 3, 4, 5],
    [0, 3, 1, 2],
  ],
  [
    [2, 3, 4, 5],
    [3, 2, 1, 0],
  ],
  [
    [2, 2, 1, 3, 2],
    [4, 1, 3, 0, 2],
  ],
  [
    [67, 65],
    [1, 0],
  ],
  [
    [3, 33, 17, 9],
    [0, 2, 3, 1],
  ],
  [
    [3, 17, 9, 33],
    [0, 3, 1, 2],
  ],
  [
    [2, 1, 28, 28],
    [0, 2, 3, 1],
  ],
  [
    [4, 32, 40, 40],
    [0, 3, 1, 2],
  ],
];

const wrongCalls: WrongCall[] = [
  ...[[0], [0, 0], [0, 2], [1, -1], [0, 0.5], [Number.NaN, 0]].map((axes) => ({
    operator: 'transpose',
    title: `axes ${axes.join(', ')}`,
    call: (ops: Functions) => ops.transpose(zeros([2, 3]), axes),
    code: 'ERR_ARGUMENT' as const,
    message: ['transpose', '(2, 3)'],
  })),
];

/** The order of axes. */
export const transposeCases: Family = {
  cases: transposes.flatMap(([shape, axes]) => casesOf(shape, axes)),
  wrongCalls,
  wrongData: [],
};
