import type { BackendName, PrepareOptions } from '../../lib/backends/backend.ts';
import { backendOf } from '../../lib/backends/index.ts';
import { gradients } from '../../lib/graph/differentiate.ts';
import { type Graph, GraphVariable, type Node } from '../../lib/graph/graph.ts';
import { referenceKernels } from '../../lib/reference/index.ts';
import { elementCount } from '../../lib/shape.ts';
import { type FloatDType, Tensor, zeros } from '../../lib/tensor.ts';
import { Random } from './random.ts';
import { isFloat } from './randomGraphs/pool.ts';
import { type RandomGraph, type Traced, traced } from './randomGraphs.ts';

export interface RunOptions extends PrepareOptions {
  readonly backend: BackendName;
  /** The batch of the step; default: the bound. */
  readonly batch?: number;
  /** Runs of the Program, of which the last counts; default 1. */
  readonly runs?: number;
}

/** The outputs of one step. */
export function runGraph(
  graph: Graph,
  feeds: readonly Tensor[],
  { backend, batch, runs = 1, ...options }: RunOptions,
): Tensor[] {
  const program = backendOf(backend).prepare(graph, options);
  try {
    const request = { steps: 1, feeds: feeds.map(({ data }) => data) };
    const batches = batch === undefined ? {} : { batch: Int32Array.of(batch) };
    for (let run = 1; run < runs; run++) program.runSync({ ...request, ...batches });
    const { fetches } = program.runSync({ ...request, ...batches });
    return program.fetches.map(({ shape, dtype, batched }, i) => {
      const sizes = batched && batch !== undefined ? [batch, ...shape.slice(1)] : shape;
      return new Tensor((fetches[i] as Tensor['data']).slice(0, elementCount(sizes)), sizes, dtype);
    });
  } finally {
    program.dispose();
  }
}

/** A graph that gives its value, its gradient to every floating input, and some of its values. */
export interface Differentiated extends Traced {
  readonly graph: Graph;
  /** The feeds whose gradients are outputs 1, 2, … */
  readonly places: readonly number[];
}

export function differentiated(
  drawn: RandomGraph,
  dtype: FloatDType,
  batch = drawn.batch,
): Differentiated {
  const made = traced(drawn, dtype, batch);
  const found = gradients(made.loss, made.inputs);
  const places = found.flatMap((gradient, i) => (gradient === null ? [] : [i]));
  const fetched = made.values
    .flat()
    .filter((value) => value instanceof GraphVariable && value.producer !== null)
    .filter((_, i) => (i + drawn.seed) % 5 === 0);
  const outputs = [made.loss, ...found.filter((gradient) => gradient !== null), ...fetched];
  return { ...made, graph: made.tracer.graph(outputs), places };
}

/** Operators that give operands' elements as they are, or ask which are equal: they round nothing. */
const selecting = new Set([
  ...['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual', 'where'],
  ...['max', 'min', 'argmax', 'argmin', 'maximum', 'minimum', 'relu', 'reluGradient', 'clip'],
  ...['maxPool2d', 'maxPool2dGather', 'maxPool2dTieGradient', 'reshape', 'transpose', 'concat'],
  ...['slice', 'sliceGradient', 'flip', 'pad', 'gather', 'unfold', 'neg', 'abs'],
]);

/** Operators of which an operand, the step, must stay a whole number. */
const counting = new Set(['dropout', 'spatialDropout']);

/** Operators whose error is relative to their first operand, where terms cancel (test/cases). */
const cancelling = new Set([
  ...['gelu', 'geluTanh', 'softplus', 'mish', 'geluGradient', 'geluTanhGradient'],
  ...['seluGradient', 'softplusGradient', 'mishGradient', 'swishGradient'],
  ...['softmaxGradient', 'logSoftmaxGradient', 'batchNormGradient', 'layerNormGradient'],
]);

/** Numbers moved by `amount` of themselves, or of `scale`, this way or that. */
function shaken(tensor: Tensor, amount: number, random: Random, scale = tensor): Tensor {
  if (!isFloat(tensor.dtype)) return tensor;
  const data = tensor.data.map((x, i) => {
    return x + amount * (scale.data[i] as number) * (random.next() < 0.5 ? -1 : 1);
  });
  return new Tensor(data, tensor.shape, tensor.dtype);
}

/** A result moved by 4u of itself, or by the 10u of the operand that the widest of such errors is of. */
function rounded(node: Node, output: Tensor, operand: Tensor, u: number, random: Random): Tensor {
  const { name } = node.operator;
  if (selecting.has(name)) return output;
  if (cancelling.has(name) && output.size === operand.size) {
    return shaken(output, 10 * u, random, operand);
  }
  return shaken(output, 4 * u, random);
}

function kernelOutputs(node: Node, inputs: readonly (Tensor | null)[]): Tensor[] {
  const outputs = node.operator
    .infer(inputs, node.attributes)
    .map(({ shape, dtype }) => zeros(shape, dtype));
  referenceKernels.get(node.operator.name)?.(inputs, outputs, node.attributes);
  return outputs;
}

/** The outputs in float64; with u, every operator reads and gives values that are moved by a few u. */
function evaluated(graph: Graph, feeds: readonly Tensor[], u: number, random: Random): Tensor[] {
  const values = new Map<GraphVariable, Tensor>(graph.constants);
  for (const [variable, tensor] of graph.constants) {
    // What operators gave on the way is rounded; whole numbers are not.
    if (!tensor.data.every(Number.isInteger)) values.set(variable, shaken(tensor, 4 * u, random));
  }
  for (const [i, { variable }] of graph.inputs.entries()) values.set(variable, feeds[i] as Tensor);
  for (const node of graph.nodes) {
    const { name } = node.operator;
    const moves = u > 0 && !selecting.has(name) && !counting.has(name);
    const inputs = node.inputs.map((input) => {
      const value = input && (values.get(input) as Tensor);
      return value && moves ? shaken(value, u, random) : value;
    });
    kernelOutputs(node, inputs).forEach((output, o) => {
      const result = u > 0 ? rounded(node, output, inputs[0] as Tensor, u, random) : output;
      values.set(node.outputs[o] as GraphVariable, result);
    });
  }
  return graph.outputs.map((output) => values.get(output) as Tensor);
}

/** Exact outputs and, for each, a bound on errors in units of u. */
export interface Expected {
  readonly outputs: readonly Tensor[];
  readonly bounds: readonly number[];
}

const u32 = 2 ** -24;

/**
 * Monte Carlo arithmetic (Parker 1997): the spread of outputs when every operand of every operator
 * that rounds is moved by ±u, every result by ±4u (functions of one element are within 2 ULP) or by
 * what its cases allow, is how rounding shows in the outputs to first order. An error may be eight times the widest of four
 * spreads over all elements of an output, and the result's own rounding.
 */
export function expectedOf(graph: Graph, feeds: readonly Tensor[], seed: number): Expected {
  const random = new Random(seed);
  const outputs = evaluated(graph, feeds, 0, random);
  const bounds = outputs.map(() => 0);
  for (let sample = 0; sample < 4; sample++) {
    evaluated(graph, feeds, u32, random).forEach((shakenOutput, o) => {
      shakenOutput.data.forEach((y, i) => {
        const spread = Math.abs(y - (outputs[o]?.data[i] as number)) / u32;
        bounds[o] = Math.max(bounds[o] as number, 8 * spread);
      });
    });
  }
  return { outputs, bounds };
}

/** The largest error in units of the bound, and where. */
export function worstOf(
  actual: readonly Tensor[],
  { outputs, bounds }: Expected,
  u: number,
): { worst: number; where: string } {
  let [worst, where] = [0, 'nowhere'];
  outputs.forEach((expected, o) => {
    if (actual[o]?.shape.join() !== expected.shape.join()) {
      [worst, where] = [Number.POSITIVE_INFINITY, `output ${o} of shape (${actual[o]?.shape})`];
    }
    expected.data.forEach((e, i) => {
      const a = actual[o]?.data[i] as number;
      const bound = ((bounds[o] as number) + Math.abs(e)) * u + 1e-30;
      const error = a === e ? 0 : Math.abs(a - e) / bound;
      if (error <= worst) return;
      worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
      where = `output ${o}, element ${i}: ${a} where ${e} is expected, bound ${bound}`;
    });
  });
  return { worst, where };
}

/** A derivative along a line by central differences. */
export interface Difference {
  readonly derivative: number;
  /** Much, where the function is not smooth between. */
  readonly doubt: number;
}

/**
 * (4·D(h/2) − D(h))/3 of a function along a line at 0 (Richardson): its error is of h⁴. D(h) and
 * D(h/2) differ by ¾ of the error of D(h), which is their doubt.
 */
export function differenceAt(f: (distance: number) => number, h: number): Difference {
  const [far, near] = [h, h / 2].map((step) => (f(step) - f(-step)) / (2 * step));
  const [wide, narrow] = [far as number, near as number];
  return { derivative: (4 * narrow - wide) / 3, doubt: Math.abs(wide - narrow) };
}

/** Feeds with those in `places` moved along a direction. */
export function movedFeeds(
  { feeds, places }: Pick<Differentiated, 'feeds' | 'places'>,
  direction: readonly Tensor[],
  distance: number,
): Tensor['data'][] {
  return feeds.map(({ data }, i) => {
    const along = direction[places.indexOf(i)];
    return along ? data.map((x, j) => x + distance * (along.data[j] as number)) : data;
  });
}

/** Σ a·b. */
export function product(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.size; i++) sum += (a.data[i] as number) * (b.data[i] as number);
  return sum;
}
