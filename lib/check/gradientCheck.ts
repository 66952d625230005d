import type { Executable } from '../backends/backend.ts';
import { backendOf, defaultBackend } from '../backends/index.ts';
import { checkRunOptions, type RunOptions, runOptionNames } from '../backends/options.ts';
import { argumentError, shapeError } from '../errors.ts';
import { gradients } from '../graph/differentiate.ts';
import { type GraphVariable, Tracer } from '../graph/graph.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import { Generator } from '../random.ts';
import { checkInteger, elementCount } from '../shape.ts';
import { Tensor, type TypedArray } from '../tensor.ts';
import type { Outputs, TensorArguments } from '../transforms/index.ts';
import { type Checkable, outputsOf, type SubjectOptions, subjectOf } from './subject.ts';
import { type CheckResult, Worst } from './worst.ts';

/** Settings of gradientCheck. */
export interface GradientCheckOptions extends RunOptions, SubjectOptions {
  /** Step of the central difference; default 1e-6. */
  epsilon?: number;
  /** At most so many entries of an input are tried, spread evenly; default: all. */
  samples?: number;
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

/** The central difference of the projected outputs in entry i of `feeds[place]`. */
function centralDifference(
  forward: Executable,
  feeds: readonly TypedArray[],
  directions: readonly Tensor[],
  [place, i]: readonly [number, number],
  epsilon: number,
): number {
  const feed = feeds[place] as TypedArray;
  const original = feed[i] as number;
  const at = (value: number): number => {
    feed[i] = value;
    return project(forward.runSync({ steps: 1, feeds }).fetches, directions);
  };
  const difference = (at(original + epsilon) - at(original - epsilon)) / (2 * epsilon);
  feed[i] = original;
  return difference;
}

/** Which inputs are differentiated. Throws ERR_ARGUMENT for float32 ones, and when there is none. */
function floatingPlaces(inputs: readonly Tensor[]): number[] {
  for (const input of inputs) {
    if (input.dtype !== 'float32') continue;
    const expected = 'float64 inputs and parameters (use .to("float64"), dtype: "float64")';
    throw argumentError('gradientCheck', expected, 'float32');
  }
  const places = inputs.flatMap(({ dtype }, i) => (dtype === 'float64' ? [i] : []));
  if (places.length > 0) return places;
  throw argumentError('gradientCheck', 'at least one float64 input', inputs.length);
}

/**
 * Compares gradients with central differences in float64: of Σ⟨output, r⟩ for a random direction r,
 * to every entry of every floating input and parameter. Where a function has a kink (ReLU at 0, ties
 * in max pooling) the two differ.
 *
 * @param subject a function of operators; a layer, whose parameters are drawn from the seed; a
 *   network with its parameters; or a loss
 * @param inputs float64 tensors, and integer ones, which stay as they are: of the function; the
 *   layer's or network's x (N,…); predictions and labels
 * @returns the largest |analytic − numeric| / max(1, |analytic|, |numeric|), and the input or
 *   parameter ('0.weight') and index where it is
 * @throws ERR_ARGUMENT when an input is float32, whose rounding differences cannot see, and for an
 *   option that is none
 */
export function gradientCheck<A extends readonly Variable[]>(
  subject: (...inputs: A) => Outputs,
  inputs: readonly Tensor[],
  options?: GradientCheckOptions,
): CheckResult;
export function gradientCheck<A extends readonly unknown[]>(
  subject: (...inputs: A) => Outputs,
  inputs: Readonly<TensorArguments<A>>,
  options?: GradientCheckOptions,
): CheckResult;
export function gradientCheck(
  subject: Checkable,
  inputs: readonly Tensor[],
  options?: GradientCheckOptions,
): CheckResult;
export function gradientCheck(
  subject: Checkable | ((...inputs: never[]) => unknown),
  inputs: readonly unknown[],
  options: GradientCheckOptions = {},
): CheckResult {
  const known = [...runOptionNames, 'epsilon', 'samples'];
  const { fn, inputs: values, names } = subjectOf('gradientCheck', subject, inputs, options, known);
  checkRunOptions('gradientCheck', options);
  const { epsilon = 1e-6, seed = 1, backend = defaultBackend(), samples, ...more } = options;
  const { names: _, training: __, ...rest } = more;
  if (!(Number.isFinite(epsilon) && epsilon > 0)) {
    throw argumentError('gradientCheck', 'epsilon to be a finite number above 0', epsilon);
  }
  if (samples !== undefined) checkInteger('gradientCheck', 'samples', samples, 1);
  const places = floatingPlaces(values);
  const random = new Generator(seed, 'gradientCheck');
  const tracer = new Tracer();
  const variables = values.map((input) => tracer.input(input));
  const outputs = outputsOf('gradientCheck', fn(...variables)).filter(
    ({ dtype }) => dtype === 'float64',
  );
  if (outputs.length === 0) throw shapeError('gradientCheck', 'the function has no float64 output');
  const directions = outputs.map(({ shape }) => {
    const data = Float64Array.from({ length: elementCount(shape) }, () => 2 * random.uniform() - 1);
    return new Tensor(data, shape, 'float64');
  });
  const graph = tracer.graph(outputs);
  const sources = places.map((place) => variables[place] as GraphVariable);
  const sums = outputs.map((output, i) => gradients(output, sources, directions[i]) as Operand[]);
  const forward = backendOf(backend).prepare(graph, rest);
  const backward = backendOf(backend).prepare(tracer.graph(sums.flat()), rest);
  try {
    const feeds = values.map(({ data }) => data.slice());
    const parts = backward.runSync({ steps: 1, feeds }).fetches;
    const worst = new Worst({ nanIsEqual: false });
    places.forEach((place, p) => {
      const { shape, size } = values[place] as Tensor;
      const stride = Math.max(1, Math.floor(size / (samples ?? size)));
      for (let i = 0; i < size; i += stride) {
        const analytic = sums.reduce(
          (sum, _, o) => sum + (parts[o * places.length + p]?.[i] as number),
          0,
        );
        const numeric = centralDifference(forward, feeds, directions, [place, i], epsilon);
        worst.add(names[place] as string, shape, i, analytic, numeric);
      }
    });
    return worst.result;
  } finally {
    forward.dispose();
    backward.dispose();
  }
}
