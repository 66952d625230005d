import { backendOf } from '../../lib/backends/index.ts';
import { gradients } from '../../lib/graph/differentiate.ts';
import { GraphVariable, Tracer } from '../../lib/graph/graph.ts';
import { type BackendName, type Operand, ops, Tensor } from '../../lib/index.ts';
import { need } from '../../lib/ops/operator.ts';
import type { FloatDType } from '../../lib/tensor.ts';
import type { CallAttributes, GoldenCase, GoldenTensor } from './load.ts';

type Call = GoldenCase<CallAttributes>;

/** The public operators by name. */
export const functions = ops as unknown as Readonly<
  Record<string, (...operands: unknown[]) => unknown>
>;

function inDType({ data, shape, dtype }: GoldenTensor, float: FloatDType): Tensor {
  const own = new Tensor(data, shape, dtype);
  return dtype === 'float64' ? own.to(float) : own;
}

/** An argument with values in place of their names, '$x'. */
function bound(argument: unknown, values: Readonly<Record<string, unknown>>): unknown {
  if (typeof argument === 'string' && argument.startsWith('$')) return values[argument.slice(1)];
  if (Array.isArray(argument)) return argument.map((entry) => bound(entry, values));
  if (typeof argument !== 'object' || argument === null) return argument;
  return Object.fromEntries(
    Object.entries(argument).map(([key, value]) => [key, bound(value, values)]),
  );
}

/** What an operator gave, by name: its fields, its places in a list, or `name` for a single value. */
function named(result: unknown, name: string): Readonly<Record<string, Operand | null>> {
  if (result instanceof GraphVariable) return { [name]: result };
  return { ...(result as Record<string, Operand | null>) };
}

/**
 * Calls the operator of a case on traced inputs of a dtype and takes the gradients of ⟨y, dy⟩.
 * @returns every output of the case that there is
 */
export function runCall(
  { attributes, inputs, outputs }: Call,
  dtype: FloatDType,
  backend: BackendName,
): Map<string, Tensor> {
  const tracer = new Tracer();
  const firstOutput = need(Object.keys(outputs)[0]);
  const isSeed = (key: string): boolean => key.startsWith('d') && key.slice(1) in outputs;
  const tensors = Object.entries(inputs).map(([key, golden]) => ({
    key,
    tensor: inDType(golden, dtype),
  }));
  const operands = tensors.filter(({ key }) => !isSeed(key));
  const variables = Object.fromEntries(
    operands.map(({ key, tensor }) => [key, tracer.input(tensor)]),
  );
  const call = need(functions[attributes.operator]);
  const made = named(
    call(...attributes.arguments.map((argument) => bound(argument, variables))),
    firstOutput,
  );
  const fetched = new Map<string, Operand>();
  for (const key of Object.keys(outputs)) if (made[key]) fetched.set(key, made[key]);
  for (const { key, tensor } of tensors.filter(({ key: seed }) => isSeed(seed))) {
    const wanted = operands.filter(({ key: source }) => `d${source}` in outputs);
    const sources = wanted.map(({ key: source }) => need(variables[source]));
    const output = made[key.slice(1)] as GraphVariable;
    gradients(output, sources, tensor).forEach((gradient, i) => {
      fetched.set(`d${wanted[i]?.key}`, need(gradient));
    });
  }
  const program = backendOf(backend).prepare(tracer.graph([...fetched.values()]));
  try {
    const feeds = operands.map(({ tensor }) => tensor.data);
    const { fetches } = program.runSync({ steps: 1, feeds });
    return new Map(
      [...fetched.keys()].map((key, i) => {
        const { shape, dtype: own } = need(program.fetches[i]);
        return [key, new Tensor(need(fetches[i]), shape, own)];
      }),
    );
  } finally {
    program.dispose();
  }
}

/** Half the spacing of numbers at 1, and the smallest normal number. */
const limits = {
  float32: { u: 2 ** -24, tiny: 2 ** -126 },
  float64: { u: 2 ** -53, tiny: 2 ** -1022 },
} as const;

/**
 * How far element i may be from PyTorch's: nothing for exact values; 4 units in the last place of
 * relative ones; of others, a share of the tensor's largest value: both sides round sums of up to a
 * few dozen terms, in float64 PyTorch's own error included.
 */
function boundOf(
  key: string,
  golden: GoldenTensor,
  { exact = [], relative = [] }: CallAttributes,
  dtype: FloatDType,
): (expected: number) => number {
  const { u, tiny } = limits[dtype];
  if (golden.dtype !== 'float64' || exact.includes(key)) return () => 0;
  if (relative.includes(key)) return (expected) => 8 * u * Math.abs(expected) + tiny;
  const finite = Array.from(golden.data).filter(Number.isFinite).map(Math.abs);
  const scale = Math.max(2 ** -10, ...finite);
  return () => (dtype === 'float32' ? 2e-6 : 1e-13) * scale;
}

/** Where an output is further from PyTorch's than it may be; null when nowhere. */
export function difference(
  key: string,
  actual: Tensor | undefined,
  { attributes, outputs }: Call,
  dtype: FloatDType,
): string | null {
  const golden = need(outputs[key]);
  if (actual === undefined) return `${key} is missing`;
  if (actual.shape.join() !== golden.shape.join()) {
    return `${key} has shape (${actual.shape}) and not (${golden.shape})`;
  }
  const wanted = golden.dtype === 'float64' ? dtype : golden.dtype;
  if (actual.dtype !== wanted) return `${key} is ${actual.dtype} and not ${wanted}`;
  const bound = boundOf(key, golden, attributes, dtype);
  for (const [i, value] of golden.data.entries()) {
    const expected = actual.dtype === 'float32' ? Math.fround(value) : value;
    const own = actual.data[i] as number;
    const same = own === expected || (Number.isNaN(own) && Number.isNaN(expected));
    if (!same && !(Math.abs(own - value) <= bound(value))) {
      return `${key}, element ${i}: ${own} where PyTorch has ${value}, bound ${bound(value)}`;
    }
  }
  return null;
}
