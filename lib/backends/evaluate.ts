import { Tracer } from '../graph/graph.ts';
import type { Attributes, Operator } from '../ops/operator.ts';
import { Tensor } from '../tensor.ts';
import type { BackendName, Executable } from './backend.ts';
import { backendOf, defaultBackend } from './index.ts';
import { KeptPrograms } from './kept.ts';
import type { RunOptions } from './options.ts';

/** Programs of single operators. */
const programs = new KeptPrograms<string, { readonly program: Executable }>(64, 64 * 2 ** 20);

/** Numbers that JSON writes like others, told apart: −0 and those that are not finite. */
function distinguishable(_: string, value: unknown): unknown {
  const special = typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0));
  return special ? `number ${Object.is(value, -0) ? '-0' : value}` : value;
}

/** Operators that users defined, told apart though their names may be the same. */
const numbers = new WeakMap<Operator, number>();
let count = 0;

function nameOf(operator: Operator): string {
  if (operator.loops === undefined) return operator.name;
  const number = numbers.get(operator) ?? count++;
  numbers.set(operator, number);
  return `${operator.name} ${number}`;
}

function keyOf(
  operator: Operator,
  inputs: readonly (Tensor | null)[],
  attributes: Attributes,
  options: RunOptions,
): string {
  const operands = inputs.map((input) => (input === null ? '-' : `${input.dtype}${input.shape}`));
  return JSON.stringify([nameOf(operator), operands, attributes, options], distinguishable);
}

function prepareCall(
  operator: Operator,
  inputs: readonly (Tensor | null)[],
  attributes: Attributes,
  options: RunOptions & { backend: BackendName },
): Executable {
  const tracer = new Tracer();
  const feeds = inputs.map((input) => (input === null ? null : tracer.input(input)));
  const outputs = tracer.record(operator, feeds, attributes);
  return backendOf(options.backend).prepare(tracer.graph(outputs), options);
}

/**
 * Computes one operator now, on this thread and the pool. The Program of a call is kept for the
 * next one of the same shapes and attributes.
 *
 * @returns the outputs, in memory of their own
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_ARGUMENT, ERR_NATIVE_NOT_FOUND
 */
export function evaluate(
  operator: Operator,
  inputs: readonly (Tensor | null)[],
  attributes: Attributes,
  options: RunOptions = {},
): Tensor[] {
  const complete = { ...options, backend: options.backend ?? defaultBackend() };
  const key = keyOf(operator, inputs, attributes, complete);
  const program =
    programs.take(key)?.program ?? prepareCall(operator, inputs, attributes, complete);
  try {
    const feeds = inputs.filter((input) => input !== null).map(({ data }) => data);
    const { fetches } = program.runSync({ steps: 1, feeds });
    return program.fetches.map(
      ({ shape, dtype }, i) => new Tensor(fetches[i] as Tensor['data'], shape, dtype),
    );
  } finally {
    programs.keep(key, { program });
  }
}

/** Frees what is kept for calls to come. */
export function releaseCalls(): void {
  programs.clear();
}
