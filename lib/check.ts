import type { BackendName, PrepareOptions } from './backends/backend.ts';
import { backendOf, defaultBackend } from './backends/index.ts';
import { argumentError, shapeError } from './errors.ts';
import { gradients } from './graph/differentiate.ts';
import { GraphVariable, Tracer } from './graph/graph.ts';
import type { Operand } from './ops/operator.ts';
import { Generator } from './random.ts';
import { elementCount } from './shape.ts';
import { allocate, Tensor, type TypedArray } from './tensor.ts';
import type { TensorFunction } from './transforms.ts';

/** Where two ways to compute differ most. */
export interface WorstEntry {
  /** "input 1" or "output 0", or the name the caller gave. */
  readonly name: string;
  readonly index: readonly number[];
  readonly actual: number;
  readonly expected: number;
}

/** |actual − expected| / max(1, |actual|, |expected|) at its largest, and where that is. */
export interface CheckResult {
  readonly maxError: number;
  readonly worst: WorstEntry | null;
}

/** Settings of gradientCheck. */
export interface GradientCheckOptions extends PrepareOptions {
  backend?: BackendName;
  /** Step of the central difference; default 1e-6. */
  epsilon?: number;
  /** Of the random direction that makes one number of the outputs; default 1. */
  seed?: number;
  /** At most so many entries of an input are tried, spread evenly; default: all. */
  samples?: number;
  /** What the inputs are called in the result. */
  names?: readonly string[];
}

function indexOf(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}

class Worst {
  readonly #nanIsEqual: boolean;
  maxError = 0;
  worst: WorstEntry | null = null;

  /** `nanIsEqual`: two NaN agree; else they count as an infinite error. */
  constructor(options: { nanIsEqual: boolean }) {
    this.#nanIsEqual = options.nanIsEqual;
  }

  add(
    name: string,
    shape: readonly number[],
    flat: number,
    actual: number,
    expected: number,
  ): void {
    const scale = Math.max(1, Math.abs(actual), Math.abs(expected));
    const same = this.#nanIsEqual ? Object.is(actual, expected) : actual === expected;
    const difference = same ? 0 : Math.abs(actual - expected) / scale;
    const error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    if (error > this.maxError || this.worst === null) {
      this.maxError = error;
      this.worst = { name, index: indexOf(flat, shape), actual, expected };
    }
  }
}

function outputsOf(result: Operand | readonly Operand[]): GraphVariable[] {
  const outputs = Array.isArray(result) ? result : [result as Operand];
  return outputs.filter((output): output is GraphVariable => output instanceof GraphVariable);
}

/** Σ over the floating outputs of ⟨output, direction⟩, in float64. */
function project(fetches: readonly TypedArray[], directions: readonly Tensor[]): number {
  let sum = 0;
  directions.forEach(({ data }, i) => {
    const values = fetches[i] as TypedArray;
    for (let j = 0; j < data.length; j++) sum += (values[j] as number) * (data[j] as number);
  });
  return sum;
}

/**
 * Compares the gradients of `fn` with central differences in float64: of Σ⟨output, r⟩ for a random
 * direction r, to every entry of every floating input.
 *
 * @param inputs float64 tensors, and integer ones, which stay as they are
 * @returns the largest |analytic − numeric| / max(1, |analytic|, |numeric|) and its entry
 * @throws ERR_ARGUMENT when an input is float32, whose rounding differences cannot see
 */
export function gradientCheck(
  fn: TensorFunction,
  inputs: readonly Tensor[],
  options: GradientCheckOptions = {},
): CheckResult {
  const { epsilon = 1e-6, seed = 1, backend = defaultBackend(), names, samples, ...rest } = options;
  for (const input of inputs) {
    if (input.dtype === 'float32') {
      throw argumentError('gradientCheck', 'float64 inputs (use .to("float64"))', 'float32');
    }
  }
  if (!inputs.some(({ dtype }) => dtype === 'float64')) {
    throw argumentError('gradientCheck', 'at least one float64 input', inputs.length);
  }
  const random = new Generator(seed, 'gradientCheck');
  const tracer = new Tracer();
  const variables = inputs.map((input) => tracer.input(input));
  const outputs = outputsOf(fn(...variables)).filter(({ dtype }) => dtype === 'float64');
  if (outputs.length === 0) throw shapeError('gradientCheck', 'the function has no float64 output');
  const directions = outputs.map(({ shape }) => {
    const data = Float64Array.from({ length: elementCount(shape) }, () => 2 * random.uniform() - 1);
    return new Tensor(data, shape, 'float64');
  });
  const forward = backendOf(backend).prepare(tracer.graph(outputs), rest);
  const places = inputs.flatMap(({ dtype }, i) => (dtype === 'float64' ? [i] : []));
  const sums: (Operand | null)[][] = outputs.map((output, i) =>
    gradients(
      output,
      places.map((place) => variables[place] as GraphVariable),
      directions[i],
    ),
  );
  const backward = backendOf(backend).prepare(tracer.graph(sums.flat() as Operand[]), rest);
  try {
    const feeds = inputs.map(({ data }) => data.slice());
    const parts = backward.runSync({ steps: 1, feeds }).fetches;
    const worst = new Worst({ nanIsEqual: false });
    places.forEach((place, p) => {
      const { shape, size } = inputs[place] as Tensor;
      const stride = Math.max(1, Math.floor(size / (samples ?? size)));
      const feed = feeds[place] as TypedArray;
      for (let i = 0; i < size; i += stride) {
        const analytic = sums.reduce(
          (sum, _, o) => sum + (parts[o * places.length + p]?.[i] as number),
          0,
        );
        const original = feed[i] as number;
        feed[i] = original + epsilon;
        const above = project(forward.runSync({ steps: 1, feeds }).fetches, directions);
        feed[i] = original - epsilon;
        const below = project(forward.runSync({ steps: 1, feeds }).fetches, directions);
        feed[i] = original;
        const numeric = (above - below) / (2 * epsilon);
        worst.add(names?.[place] ?? `input ${place}`, shape, i, analytic, numeric);
      }
    });
    return { maxError: worst.maxError, worst: worst.worst };
  } finally {
    forward.dispose();
    backward.dispose();
  }
}

/**
 * Runs `fn` and its gradients (of Σ⟨output, r⟩, r random) on the native backend and on the
 * reference and compares all that comes out.
 *
 * @returns the largest |native − reference| / max(1, |native|, |reference|) and its entry
 */
export function compareBackends(
  fn: TensorFunction,
  inputs: readonly Tensor[],
  options: PrepareOptions & { seed?: number; names?: readonly string[] } = {},
): CheckResult {
  const { seed = 1, names, ...rest } = options;
  const random = new Generator(seed, 'compareBackends');
  const tracer = new Tracer();
  const variables = inputs.map((input) => tracer.input(input));
  const outputs = outputsOf(fn(...variables));
  const fetched: { name: string; variable: Operand }[] = outputs.map((variable, i) => ({
    name: `output ${i}`,
    variable,
  }));
  outputs.forEach((output, o) => {
    if (output.dtype !== 'float32' && output.dtype !== 'float64') return;
    const data = allocate(output.dtype, elementCount(output.shape));
    for (let i = 0; i < data.length; i++) data[i] = 2 * random.uniform() - 1;
    const seedTensor = new Tensor(data, output.shape, output.dtype);
    gradients(output, variables, seedTensor).forEach((variable, i) => {
      const name = `gradient of output ${o} to ${names?.[i] ?? `input ${i}`}`;
      if (variable !== null) fetched.push({ name, variable });
    });
  });
  const graph = tracer.graph(fetched.map(({ variable }) => variable));
  const feeds = inputs.map(({ data }) => data);
  const [native, reference] = (['native', 'reference'] as const).map((backend) => {
    const program = backendOf(backend).prepare(graph, rest);
    try {
      return program.runSync({ steps: 1, feeds }).fetches;
    } finally {
      program.dispose();
    }
  });
  const worst = new Worst({ nanIsEqual: true });
  fetched.forEach(({ name, variable }, f) => {
    const [a, b] = [native?.[f] as TypedArray, reference?.[f] as TypedArray];
    for (let i = 0; i < a.length; i++) {
      worst.add(name, variable.shape, i, a[i] as number, b[i] as number);
    }
  });
  return { maxError: worst.maxError, worst: worst.worst };
}
