import { foldOperator, type UnfoldAttributes, unfoldOperator } from '../../lib/ops/unfold.ts';
import { elementCount } from '../../lib/shape.ts';
import { zeros } from '../../lib/tensor.ts';
import {
  bytes,
  type Case,
  type Family,
  type Input,
  integers,
  lengths,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { checkedWhenSmall } from './elements.ts';

interface Unfolding extends Partial<UnfoldAttributes> {
  readonly shape: readonly [number, number, number, number];
  readonly kernelSize: readonly [number, number];
}

function casesOf({ shape, ...given }: Unfolding): Case[] {
  const attributes: UnfoldAttributes = {
    stride: [1, 1],
    padding: [0, 0, 0, 0],
    dilation: [1, 1],
    ...given,
  } as UnfoldAttributes;
  const [columns] = unfoldOperator.infer([{ shape, dtype: 'float32' }], attributes);
  const title = `${sizes(shape)} with ${JSON.stringify(given)}`;
  const folding = { ...attributes, outputSize: [shape[2], shape[3]] as const };
  const rows = shape[0] > 0 ? { perSample: [0] } : {};
  const values: [string, Input][] = [
    ['floats', uniform(shape)],
    ['int32', bytes(shape, 'int32')],
    ['uint8', bytes(shape)],
  ];
  const folded = columns?.shape ?? [];
  const [r, s] = given.kernelSize;
  return [
    ...values.map(
      ([name, input]): Case => ({
        operator: unfoldOperator.name,
        title: `${title}, ${name}`,
        seed: 1,
        inputs: [input],
        attributes,
        model: { kind: 'exact' },
        ...rows,
        ...(name === 'floats' ? checkedWhenSmall(shape, 0) : {}),
      }),
    ),
    {
      operator: foldOperator.name,
      title,
      seed: 1,
      inputs: [uniform(folded)],
      attributes: folding,
      model: { kind: 'dot', terms: r * s },
      ...rows,
      ...(elementCount(shape) > 0 ? checkedWhenSmall(folded, 0) : {}),
    },
    {
      operator: foldOperator.name,
      title: `${title}, integers`,
      seed: 1,
      inputs: [integers(folded)],
      attributes: folding,
      model: { kind: 'exact' },
      ...rows,
    },
  ];
}

const unfoldings: Unfolding[] = [
  ...lengths.map((n): Unfolding => ({ shape: [2, 1, 2, n], kernelSize: [1, 1] })),
  ...lengths.map(
    (n): Unfolding => ({ shape: [1, 2, 3, n], kernelSize: [2, 3], padding: [0, 1, 1, 1] }),
  ),
  { shape: [2, 1, 3, 4], kernelSize: [2, 2] },
  { shape: [2, 3, 4, 5], kernelSize: [3, 2], padding: [1, 1, 1, 1] },
  { shape: [1, 1, 5, 6], kernelSize: [2, 3], stride: [2, 3], padding: [1, 0, 0, 2] },
  { shape: [1, 2, 7, 5], kernelSize: [2, 2], dilation: [3, 2], padding: [2, 1, 0, 3] },
  { shape: [2, 1, 4, 4], kernelSize: [2, 2], stride: [5, 5] },
  { shape: [1, 1, 2, 2], kernelSize: [5, 5], padding: [4, 4, 4, 4] },
  { shape: [1, 1, 1, 1], kernelSize: [3, 3], padding: [9, 2, 7, 5], stride: [2, 1] },
  { shape: [1, 1, 2, 2], kernelSize: [3, 1], padding: [7, 7, 0, 0], dilation: [6, 1] },
  { shape: [1, 1, 0, 3], kernelSize: [2, 2], padding: [1, 1, 0, 0] },
  { shape: [0, 2, 3, 3], kernelSize: [2, 2] },
  { shape: [2, 0, 3, 3], kernelSize: [2, 2] },
  { shape: [2, 5, 33, 30], kernelSize: [3, 3], padding: [1, 1, 1, 1] },
  { shape: [2, 5, 33, 30], kernelSize: [5, 4], stride: [2, 2], dilation: [2, 3] },
];

type Options = Record<string, unknown>;
const wrongOptions: readonly [string, Options, string][] = [
  ['no window', {}, 'kernelSize'],
  ['a window of 0', { kernelSize: 0 }, 'kernelSize'],
  ['three sizes', { kernelSize: [1, 2, 3] }, 'kernelSize'],
  ['stride 0', { kernelSize: 2, stride: 0 }, 'stride'],
  ['a fractional dilation', { kernelSize: 2, dilation: 1.5 }, 'dilation'],
  ['a negative padding', { kernelSize: 2, padding: -1 }, 'padding'],
  ['an unknown option', { kernelSize: 2, groups: 1 }, 'groups'],
];

const wrongCalls: WrongCall[] = [
  ...wrongOptions.flatMap(([title, options, part]): WrongCall[] => [
    {
      operator: 'unfold',
      title,
      call: (ops) => ops.unfold(zeros([1, 1, 3, 3]), options as never),
      code: 'ERR_ARGUMENT',
      message: ['unfold', part],
    },
    {
      operator: 'fold',
      title,
      call: (ops) => ops.fold(zeros([1, 4, 4]), { outputSize: 3, ...options } as never),
      code: 'ERR_ARGUMENT',
      message: ['fold', part],
    },
  ]),
  {
    operator: 'unfold',
    title: 'three axes',
    call: (ops) => ops.unfold(zeros([1, 3, 3]), { kernelSize: 2 }),
    code: 'ERR_SHAPE',
    message: ['unfold', '(1, 3, 3)'],
  },
  {
    operator: 'unfold',
    title: 'a window larger than the image',
    call: (ops) => ops.unfold(zeros([1, 1, 3, 3]), { kernelSize: [2, 4] }),
    code: 'ERR_SHAPE',
    message: ['unfold', '(3, 3)', '(2, 4)'],
  },
  {
    operator: 'fold',
    title: 'no image size',
    call: (ops) => ops.fold(zeros([1, 4, 4]), { kernelSize: 2 } as never),
    code: 'ERR_ARGUMENT',
    message: ['fold', 'outputSize'],
  },
  {
    operator: 'fold',
    title: 'another number of columns',
    call: (ops) => ops.fold(zeros([1, 4, 5]), { kernelSize: 2, outputSize: 3 }),
    code: 'ERR_SHAPE',
    message: ['fold', '(1, 4, 5)', '(N, C·4, 4)', '(3, 3)'],
  },
  {
    operator: 'fold',
    title: 'rows that are no channels',
    call: (ops) => ops.fold(zeros([1, 6, 4]), { kernelSize: 2, outputSize: 3 }),
    code: 'ERR_SHAPE',
    message: ['fold', '(1, 6, 4)'],
  },
  {
    operator: 'fold',
    title: 'integers',
    call: (ops) => ops.fold(zeros([1, 4, 4], 'int32'), { kernelSize: 2, outputSize: 3 }),
    code: 'ERR_DTYPE',
    message: ['fold', 'int32 (1, 4, 4)'],
  },
];

/** Patches as columns, and back. */
export const unfoldCases: Family = {
  cases: unfoldings.flatMap(casesOf),
  wrongCalls,
  wrongData: [],
};
