import type { ErrorCode } from '../../lib/errors.ts';
import { Tensor, zeros } from '../../lib/tensor.ts';
import type { ValidCall } from './call.ts';
import type { OperandRule, Rule, ValueRule } from './rules.ts';

/** The arguments and options of a call, one of them wrong, and how it must be refused. */
export interface Corruption {
  readonly title: string;
  readonly arguments: readonly unknown[];
  readonly codes: readonly ErrorCode[];
  /** What the message must hold beside the operator. */
  readonly named: string;
}

function shown(value: unknown): string {
  if (value instanceof Tensor) return `${value.dtype} (${value.shape.join(', ')})`;
  if (typeof value === 'number' || value === undefined) return String(value);
  return JSON.stringify(value, (_, each) => (typeof each === 'number' ? String(each) : each));
}

function withShape({ tensor }: OperandRule, shape: readonly number[]): Tensor {
  return zeros(shape, tensor.dtype);
}

/** Operands of wrong rank, dtype and size, with what they are called. */
function* wrongTensors(
  rule: OperandRule,
  mixes: boolean,
): Generator<[title: string, tensor: Tensor, codes: readonly ErrorCode[]]> {
  const { tensor, anyRank, dtypes, tied } = rule;
  const { shape } = tensor;
  if (!anyRank) {
    yield ['an axis more', withShape(rule, [...shape, 1]), ['ERR_SHAPE']];
    if (shape.length > 0) yield ['an axis less', withShape(rule, shape.slice(1)), ['ERR_SHAPE']];
  }
  for (const axis of tied) {
    const size = (shape[axis] as number) + 1;
    const wider = shape.map((each, i) => (i === axis ? size : each));
    yield [`${size} along axis ${axis}`, withShape(rule, wider), ['ERR_SHAPE']];
  }
  if (dtypes === 'floating' || dtypes === 'ownFloating') {
    yield ['of integers', tensor.to('int32'), ['ERR_DTYPE']];
    if (mixes && dtypes === 'floating')
      yield ['of another float', tensor.to('float64'), ['ERR_DTYPE']];
  }
  if (dtypes === 'float64') yield ['of float32', tensor.to('float32'), ['ERR_DTYPE', 'ERR_SHAPE']];
  if (dtypes === 'integer') yield ['of floats', tensor.to('float32'), ['ERR_DTYPE']];
}

/** A copy of a tensor whose memory was transferred. */
export function detached(tensor: Tensor): Tensor {
  const copy = tensor.clone();
  structuredClone(copy.data.buffer, { transfer: [copy.data.buffer as ArrayBuffer] });
  return copy;
}

function noTensors({ optional, orNumber, orList }: OperandRule): unknown[] {
  return [
    'x',
    {},
    { shape: [2, 3] },
    true,
    ...(orNumber ? [] : [5]),
    ...(orList ? [] : [[1, 2]]),
    ...(optional ? [] : [null, undefined]),
  ];
}

function valuesOf(rules: Readonly<Record<string, Rule>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [
      name,
      rule.kind === 'operand' ? rule.tensor : rule.value,
    ]),
  );
}

/** The corruptions of a value: everything its rule says is wrong. */
export function* wrongValues(
  name: string,
  rule: ValueRule,
): Generator<[title: string, value: unknown, codes: readonly ErrorCode[]]> {
  const codes = new Set<ErrorCode>([rule.code, 'ERR_ARGUMENT']);
  for (const wrong of rule.wrong) yield [`${name} ${shown(wrong)}`, wrong, [...codes]];
  if (rule.required) yield [`no ${name}`, undefined, ['ERR_ARGUMENT']];
}

/** Everything that can be wrong with one argument or option of a call. */
export function* corruptionsOf(call: ValidCall): Generator<Corruption> {
  const values = valuesOf(call.arguments);
  const options = call.options && valuesOf(call.options);
  const listed = (changed: Record<string, unknown>): unknown[] => [
    ...Object.values({ ...values, ...changed }),
    ...(options ? [options] : []),
  ];
  const operands = Object.values(call.arguments).filter(({ kind }) => kind === 'operand');
  const mixes =
    (operands as OperandRule[]).filter(({ dtypes }) => dtypes === 'floating').length > 1;
  for (const [name, rule] of Object.entries(call.arguments)) {
    if (rule.kind === 'value') {
      for (const [title, wrong, codes] of wrongValues(name, rule)) {
        yield { title, arguments: listed({ [name]: wrong }), codes, named: name };
      }
      continue;
    }
    for (const [title, tensor, codes] of wrongTensors(rule, mixes)) {
      const changed = listed({ [name]: tensor });
      yield { title: `${name} ${title}`, arguments: changed, codes, named: name };
    }
    const gone = detached(rule.tensor);
    const title = `${name} whose memory is detached`;
    yield { title, arguments: listed({ [name]: gone }), codes: ['ERR_ARGUMENT'], named: name };
    for (const wrong of noTensors(rule)) {
      const title = `${name} that is ${shown(wrong)}`;
      yield { title, arguments: listed({ [name]: wrong }), codes: ['ERR_ARGUMENT'], named: name };
    }
  }
  if (options === undefined || call.options === undefined) return;
  const given = Object.values(values);
  for (const [name, rule] of Object.entries(call.options)) {
    for (const [title, wrong, codes] of wrongValues(name, rule)) {
      const changed = { ...options, [name]: wrong };
      yield { title, arguments: [...given, changed], codes, named: name };
    }
  }
  const unknown = { ...options, unheardOf: 1 };
  const codes = ['ERR_ARGUMENT'] as const;
  yield { title: 'an unknown option', arguments: [...given, unknown], codes, named: 'unheardOf' };
  for (const wrong of [5, 'fast', null, []]) {
    const title = `options that are ${shown(wrong)}`;
    yield { title, arguments: [...given, wrong], codes, named: 'options' };
  }
}
