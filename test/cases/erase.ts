import { elementCount } from '../../lib/shape.ts';
import { zeros } from '../../lib/tensor.ts';
import { type Case, type Family, literal, sizes, uniform, type WrongCall } from './case.ts';
import { specials } from './elements.ts';

const [least, most] = [-(2 ** 31), 2 ** 31 - 1];

/** [top, left, bottom, right) against images (6, 9). */
const boxes: readonly (readonly [number, number, number, number])[] = [
  [1, 2, 4, 5],
  [0, 0, 6, 9],
  [0, 0, 0, 0],
  [3, 3, 4, 4],
  [-2, -3, 2, 4],
  [4, 7, 9, 30],
  [least, least, most, most],
  [most, most, least, least],
  [4, 2, 1, 5],
  [1, 5, 4, 2],
  [6, 0, 8, 9],
  [0, 9, 6, 12],
  [-9, 0, 0, 9],
  [least, 8, 1, most],
];

function eraseCase(shape: readonly number[], value: number, specialValues = false): Case {
  const [N = 0] = shape;
  const chosen = Array.from({ length: N }, (_, n) => boxes[n % boxes.length] ?? []);
  const size = elementCount(shape);
  return {
    operator: 'erase',
    title: `${sizes(shape)}, value ${value}${specialValues ? ', NaN, −0 and infinities' : ''}`,
    seed: 3,
    inputs: [
      specialValues ? literal(specials, shape) : uniform(shape),
      literal(chosen.flat(), [N, 4], 'int32'),
    ],
    attributes: { value },
    model: { kind: 'exact' },
    perSample: [0, 1],
    ...(size > 0 && size <= 130 && !specialValues
      ? { gradient: { inputs: [0], tolerance: 1e-6 } }
      : {}),
  };
}

const cases: Case[] = [
  eraseCase([boxes.length, 1, 6, 9], 0),
  eraseCase([boxes.length, 3, 6, 9], -0.5),
  ...[1, 2, 3].map((channels) => eraseCase([2, channels, 4, 5], 0.1)),
  eraseCase([40, 3, 28, 28], 1 / 3),
  eraseCase([2, 17, 5, 33], -0),
  eraseCase([2, 4, 1, 5], 1, true),
  eraseCase([0, 1, 6, 9], 0),
  eraseCase([3, 0, 6, 9], 0),
  eraseCase([3, 1, 0, 9], 0),
  eraseCase([3, 1, 6, 0], 0),
];

const wrongCalls: WrongCall[] = [
  {
    operator: 'erase',
    title: 'a value that is infinite',
    call: (ops) =>
      ops.erase(zeros([1, 1, 2, 2]), zeros([1, 4], 'int32'), { value: Number.POSITIVE_INFINITY }),
    code: 'ERR_ARGUMENT',
    message: ['erase', 'value'],
  },
  {
    operator: 'erase',
    title: 'an unknown option',
    call: (ops) => ops.erase(zeros([1, 1, 2, 2]), zeros([1, 4], 'int32'), { fill: 1 } as never),
    code: 'ERR_ARGUMENT',
    message: ['erase', "'fill'"],
  },
  {
    operator: 'erase',
    title: 'floating boxes',
    call: (ops) => ops.erase(zeros([1, 1, 2, 2]), zeros([1, 4])),
    code: 'ERR_DTYPE',
    message: ['erase', 'float32 (1, 4)'],
  },
  {
    operator: 'erase',
    title: 'integers',
    call: (ops) => ops.erase(zeros([1, 1, 2, 2], 'uint8'), zeros([1, 4], 'int32')),
    code: 'ERR_DTYPE',
    message: ['erase', 'uint8 (1, 1, 2, 2)'],
  },
  ...[[4], [1, 3], [2, 4], [1, 4, 1]].map(
    (shape): WrongCall => ({
      operator: 'erase',
      title: `boxes (${shape})`,
      call: (ops) => ops.erase(zeros([1, 1, 2, 2]), zeros(shape, 'int32')),
      code: 'ERR_SHAPE',
      message: ['erase', 'boxes', `(${shape.join(', ')})`],
    }),
  ),
  {
    operator: 'erase',
    title: 'a signal',
    call: (ops) => ops.erase(zeros([1, 2, 2]), zeros([1, 4], 'int32')),
    code: 'ERR_SHAPE',
    message: ['erase', '(1, 2, 2)'],
  },
];

/** Boxes of images overwritten. */
export const eraseCases: Family = { cases, wrongCalls, wrongData: [] };
