import type { ErrorCode } from '../../lib/index.ts';
import { full, type Tensor, zeros } from '../../lib/index.ts';
import type { DType } from '../../lib/tensor.ts';

/** A tensor argument, and what of it may be otherwise. */
export interface OperandRule {
  readonly kind: 'operand';
  readonly tensor: Tensor;
  /** null and undefined stand for its absence. */
  readonly optional: boolean;
  /** Any rank will do. */
  readonly anyRank: boolean;
  /** A number will do. */
  readonly orNumber: boolean;
  /** A list of numbers will do. */
  readonly orList: boolean;
  /** 'ownFloating': a floating one that need not be that of the others. */
  readonly dtypes: 'floating' | 'ownFloating' | 'integer' | 'any' | 'float64';
  /** Axes whose sizes must fit the other arguments. */
  readonly tied: readonly number[];
}

/** An argument or option that is no tensor: a valid value, and others that are not. */
export interface ValueRule {
  readonly kind: 'value';
  readonly value: unknown;
  readonly wrong: readonly unknown[];
  readonly code: ErrorCode;
  /** An option without a default. */
  readonly required: boolean;
}

export type Rule = OperandRule | ValueRule;

type OperandSettings = Partial<Omit<OperandRule, 'kind' | 'tensor'>>;

/** A tensor of ones. */
export function operand(
  shape: readonly number[],
  tied: readonly number[] = [],
  settings: OperandSettings & { dtype?: DType } = {},
): OperandRule {
  const { dtype = 'float32', ...given } = settings;
  const tensor =
    dtype === 'int32' || dtype === 'uint8' ? zeros(shape, dtype) : full(shape, 1, dtype);
  const defaults = { optional: false, anyRank: false, orNumber: false, orList: false } as const;
  const dtypes = dtype === 'int32' || dtype === 'uint8' ? 'integer' : 'floating';
  return { kind: 'operand', tensor, tied, dtypes, ...defaults, ...given };
}

/** One that may have any rank. */
export function anyShape(
  shape: readonly number[],
  settings: OperandSettings & { tied?: readonly number[] } = {},
): OperandRule {
  const { tied = [], ...rest } = settings;
  return operand(shape, tied, { anyRank: true, ...rest });
}

/** One that may be left out. */
export function optional(
  shape: readonly number[],
  tied: readonly number[] = [0],
  settings: OperandSettings = {},
): OperandRule {
  return operand(shape, tied, { optional: true, ...settings });
}

/** Class numbers, indices, conditions: integers that cannot be missing. */
export function integers(
  shape: readonly number[],
  dtype: 'int32' | 'uint8',
  tied: readonly number[] = [],
  settings: OperandSettings = {},
): OperandRule {
  return operand(shape, tied, { dtype, ...settings });
}

function value(
  valid: unknown,
  wrong: readonly unknown[],
  code: ErrorCode = 'ERR_ARGUMENT',
): ValueRule {
  return { kind: 'value', value: valid, wrong, code, required: false };
}

/** An option that cannot be left out. */
export function required(rule: ValueRule): ValueRule {
  return { ...rule, required: true };
}

const notIntegers = [1.5, Number.NaN, Number.POSITIVE_INFINITY, '2', {}, true, 2 ** 31];

/** An integer of 1 or more. */
export function count(valid: number): ValueRule {
  return value(valid, [0, -1, ...notIntegers]);
}

/** An integer of 1 or more, or two of them. */
export function counts(valid: number | readonly number[]): ValueRule {
  return value(valid, [0, -1, [1], [1, 0], [1, 1, 1], [1.5, 1], [], ...notIntegers]);
}

/** An integer of 0 or more, or two of them. */
export function sizes(valid: number | readonly number[]): ValueRule {
  return value(valid, [-1, [1], [1, -1], [0, 0, 0], ...notIntegers]);
}

/** Padding of images; `signal`: of signals. */
export function padding(valid: number | readonly number[], signal = false): ValueRule {
  const pairs = signal
    ? [[[0, 1]]]
    : [
        [[0, 1], [0]],
        [
          [0, 1],
          [0, -1],
        ],
        [[0, 1], 1],
      ];
  return value(valid, [...sizes(0).wrong, 'none', ...pairs]);
}

/** true or false. */
export function flag(valid: boolean): ValueRule {
  return value(valid, [0, 1, 'true', {}]);
}

/** One of a few texts. */
export function choice(valid: string): ValueRule {
  return value(valid, [`${valid}s`, '', 1, true, 'constructor']);
}

/** A number; `wrong`: those out of range. */
export function numeric(valid: number, ...wrong: number[]): ValueRule {
  return value(valid, [Number.NaN, '1', {}, true, ...wrong]);
}

/** An axis of so many. */
export function axis(valid: number, rank: number): ValueRule {
  return value(valid, [rank, -rank - 1, 0.5, Number.NaN, '0', {}]);
}

/** An axis of so many, or a list of different ones. */
export function axes(valid: number | readonly number[], rank: number): ValueRule {
  return value(valid, [...axis(0, rank).wrong, [rank], [0, 0], [0, -rank], [0.5]]);
}

/** A list of different axes. */
export function axisList(valid: readonly number[], rank: number): ValueRule {
  return value(valid, [[rank], [0, 0], [-rank - 1], [0.5], 'all', 1.5]);
}

export { value };
