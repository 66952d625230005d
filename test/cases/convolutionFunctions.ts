import { type DType, zeros } from '../../lib/tensor.ts';
import type { Functions, WrongCall } from './case.ts';

const image = (shape: readonly number[], dtype: DType = 'float32') => zeros(shape, dtype);

const signals: WrongCall[] = [
  {
    title: 'x of rank 4',
    call: (ops: Functions) => ops.conv1d(image([1, 1, 1, 5]), image([1, 1, 3])),
    code: 'ERR_SHAPE' as const,
    message: ['conv1d', 'x', '(1, 1, 1, 5)'],
  },
  {
    title: 'weight of rank 2',
    call: (ops: Functions) => ops.conv1d(image([1, 1, 5]), image([1, 3])),
    code: 'ERR_SHAPE' as const,
    message: ['conv1d', 'weight', '(1, 3)'],
  },
  {
    title: 'channels that do not match',
    call: (ops: Functions) => ops.conv1d(image([1, 2, 5]), image([4, 3, 3])),
    code: 'ERR_SHAPE' as const,
    message: ['(4, 3, 1, 3)', '2 channels'],
  },
  {
    title: 'a filter larger than the padded input',
    call: (ops: Functions) => ops.conv1d(image([1, 1, 2]), image([1, 1, 5]), null, { padding: 1 }),
    code: 'ERR_SHAPE' as const,
    message: ['larger than the padded input'],
  },
  {
    title: 'dtypes that mix',
    call: (ops: Functions) => ops.conv1d(image([1, 1, 5]), image([1, 1, 3], 'float64')),
    code: 'ERR_DTYPE' as const,
    message: ['float32', 'float64'],
  },
  ...[0, -1, 1.5, Number.NaN].flatMap((value) =>
    (['stride', 'dilation', 'groups'] as const).map((option) => ({
      title: `${option} ${value}`,
      call: (ops: Functions) =>
        ops.conv1d(image([1, 1, 5]), image([1, 1, 3]), null, { [option]: value }),
      code: 'ERR_ARGUMENT' as const,
      message: ['conv1d', option, String(value)],
    })),
  ),
  {
    title: 'padding −1',
    call: (ops: Functions) => ops.conv1d(image([1, 1, 5]), image([1, 1, 3]), null, { padding: -1 }),
    code: 'ERR_ARGUMENT' as const,
    message: ['conv1d', 'padding', '-1'],
  },
  {
    title: 'an option that it does not have',
    call: (ops: Functions) =>
      ops.conv1d(image([1, 1, 5]), image([1, 1, 3]), null, { pad: 1 } as never),
    code: 'ERR_ARGUMENT' as const,
    message: ['conv1d', "'pad'"],
  },
].map((wrong) => ({ operator: 'conv1d', ...wrong }));

const transposed: WrongCall[] = [
  {
    title: 'x of rank 3',
    call: (ops: Functions) => ops.convTranspose2d(image([1, 5, 5]), image([1, 1, 3, 3])),
    code: 'ERR_SHAPE' as const,
    message: ['convTranspose2d', 'x', '(1, 5, 5)'],
  },
  {
    title: 'channels that do not match',
    call: (ops: Functions) => ops.convTranspose2d(image([1, 2, 5, 5]), image([3, 2, 3, 3])),
    code: 'ERR_SHAPE' as const,
    message: ['convTranspose2d', '(1, 2, 5, 5)', '(3, 2, 3, 3)'],
  },
  {
    title: 'a bias of another length',
    call: (ops: Functions) =>
      ops.convTranspose2d(image([1, 2, 5, 5]), image([2, 3, 3, 3]), image([2])),
    code: 'ERR_SHAPE' as const,
    message: ['convTranspose2d', '(3)', '(2)'],
  },
  {
    title: 'groups that do not divide the channels',
    call: (ops: Functions) =>
      ops.convTranspose2d(image([1, 3, 5, 5]), image([3, 2, 3, 3]), null, { groups: 2 }),
    code: 'ERR_SHAPE' as const,
    message: ['convTranspose2d', 'groups 2'],
  },
  {
    title: 'padding that leaves nothing',
    call: (ops: Functions) =>
      ops.convTranspose2d(image([1, 1, 1, 1]), image([1, 1, 3, 3]), null, { padding: 2 }),
    code: 'ERR_SHAPE' as const,
    message: ['convTranspose2d', 'no output'],
  },
  {
    title: 'images without cells',
    call: (ops: Functions) => ops.convTranspose2d(image([1, 1, 0, 3]), image([1, 1, 3, 3])),
    code: 'ERR_SHAPE' as const,
    message: ['convTranspose2d', '(0, 3)'],
  },
  {
    title: 'dtypes that mix',
    call: (ops: Functions) =>
      ops.convTranspose2d(image([1, 1, 5, 5]), image([1, 1, 3, 3], 'float64')),
    code: 'ERR_DTYPE' as const,
    message: ['convTranspose2d', 'float32', 'float64'],
  },
  {
    title: "padding 'same'",
    call: (ops: Functions) =>
      ops.convTranspose2d(image([1, 1, 5, 5]), image([1, 1, 3, 3]), null, {
        padding: 'same' as never,
      }),
    code: 'ERR_ARGUMENT' as const,
    message: ['convTranspose2d', 'padding', "'same'"],
  },
  ...[1, 2, -1, 0.5].map((outputPadding) => ({
    title: `outputPadding ${outputPadding} with stride 1`,
    call: (ops: Functions) =>
      ops.convTranspose2d(image([1, 1, 5, 5]), image([1, 1, 3, 3]), null, { outputPadding }),
    code: 'ERR_ARGUMENT' as const,
    message: ['convTranspose2d', 'outputPadding', String(outputPadding)],
  })),
  ...[0, -1, 1.5, Number.NaN].flatMap((value) =>
    (['stride', 'dilation', 'groups'] as const).map((option) => ({
      title: `${option} ${value}`,
      call: (ops: Functions) =>
        ops.convTranspose2d(image([1, 1, 5, 5]), image([1, 1, 3, 3]), null, { [option]: value }),
      code: 'ERR_ARGUMENT' as const,
      message: ['convTranspose2d', option, String(value)],
    })),
  ),
].map((wrong) => ({ operator: 'convTranspose2d', ...wrong }));

/** Wrong calls of the functions that are convolutions under another name. */
export const wrongConvolutions: readonly WrongCall[] = [...signals, ...transposed];
