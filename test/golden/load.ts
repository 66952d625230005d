import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A tensor of a golden file: values in row-major order. */
export interface GoldenTensor {
  readonly dtype: 'float64' | 'int32' | 'uint8';
  readonly shape: readonly number[];
  readonly data: Float64Array | Int32Array | Uint8Array;
}

/** One call with what PyTorch or SciPy answered. */
export interface GoldenCase<A> {
  readonly name: string;
  readonly attributes: A;
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly outputs: Readonly<Record<string, GoldenTensor>>;
}

type Pair = readonly [number, number];
type Sides = readonly [top: number, bottom: number, left: number, right: number];
type Reduction = 'mean' | 'sum' | 'none';

/** Inputs x, weight, dy, [bias]; outputs y, dx, dweight, [dbias]. */
export interface ConvolutionAttributes {
  readonly stride: Pair;
  readonly padding: Sides;
  readonly dilation: Pair;
  readonly groups: number;
  readonly flipKernel: boolean;
}

/** Inputs x, weight; output y. `padding` is what makes the operator give SciPy's `mode`. */
export interface ScipyConvolutionAttributes {
  readonly mode: 'valid' | 'same' | 'full';
  readonly padding: Sides;
  readonly flipKernel: boolean;
}

/** Inputs x, dy; outputs y, winners (int32, r·S + s in the window), dx. */
export interface PoolingAttributes {
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
  readonly ceilMode: boolean;
  readonly ties: 'first';
}

/** Inputs and outputs are those of the operator and of its gradients, named d… */
export type DenseAttributes =
  | { readonly operator: 'linear' }
  | { readonly operator: 'softmax' }
  | {
      readonly operator: 'softmaxCrossEntropy';
      readonly reduction: Reduction;
      readonly target: 'labels' | 'one-hot' | 'probabilities';
    }
  | { readonly operator: 'squaredError'; readonly reduction: Reduction };

/** Inputs parameter (P), gradients (20, P); outputs trajectory (20, P), [velocity], [m], [v]. */
export type OptimizerAttributes =
  | {
      readonly optimizer: 'sgd';
      readonly learningRate: number;
      readonly momentum: number;
      readonly dampening: number;
      readonly weightDecay: number;
      readonly nesterov: boolean;
    }
  | {
      readonly optimizer: 'adam';
      readonly learningRate: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      readonly weightDecay: number;
      readonly decoupled: boolean;
    };

/** A call of a public operator: '$x' among the arguments stands for input x. */
export interface CallAttributes {
  readonly operator: string;
  readonly arguments: readonly unknown[];
  /** Values held to their bits. */
  readonly exact?: readonly string[];
  /** Values of which each is held to its own size. */
  readonly relative?: readonly string[];
}

/** Inputs parameter0, parameter1, gradients0, …; outputs trajectory0, …: a row a step. */
export interface TrajectoryAttributes {
  readonly optimizer: 'sgd' | 'adam' | 'adamW' | 'rmsprop' | 'adagrad';
  readonly settings: Readonly<Record<string, number | boolean>>;
  readonly clip: { readonly clipNorm: number } | { readonly clipValue: number } | null;
}

/** Output factors, one a step or one an epoch; plateaus have input values, which they watch. */
export interface ScheduleAttributes {
  readonly schedule: string;
  /** `next`: the kind and the options of another schedule. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly unit: 'steps' | 'epochs';
  readonly stepsPerEpoch: number;
  readonly epochs: number;
}

/** Outputs y of a .npy, the arrays by name of a .npz; none of a file that is refused. */
export interface NpyAttributes {
  /** The bytes in base64. */
  readonly file: string;
  /** What NumPy calls the elements. */
  readonly descr?: string;
}

/** Outputs rgb (3, H, W) and grey (1, H, W), uint8. */
export interface ImageAttributes {
  /** The bytes in base64. */
  readonly file: string;
  /** How far a value may be from Pillow's. */
  readonly tolerance: number;
}

/** Input x (N, …) and output y, what the network with the file's weights gives in inference. */
export interface WeightsAttributes {
  /** The bytes of a .safetensors or .npz file in base64. */
  readonly file: string;
  /** All names in the file, in the order of PyTorch's `state_dict`. */
  readonly names: readonly string[];
}

/** The files of calls of public operators. */
export const callFiles = [
  'elementwise',
  'activations',
  'reductions',
  'losses',
  'normalization',
  'movement',
  'dropout',
  'filters',
  'windows',
  'warps',
] as const;

type CallFiles = Readonly<Record<(typeof callFiles)[number], CallAttributes>>;

interface GoldenFiles extends CallFiles {
  readonly trajectories: TrajectoryAttributes;
  readonly schedules: ScheduleAttributes;
  readonly npy: NpyAttributes;
  readonly images: ImageAttributes;
  readonly weights: WeightsAttributes;
  readonly convolution: ConvolutionAttributes;
  readonly 'scipy-convolution': ScipyConvolutionAttributes;
  readonly pooling: PoolingAttributes;
  readonly dense: DenseAttributes;
  readonly optimizers: OptimizerAttributes;
}

interface StoredTensor {
  readonly dtype: 'float64' | 'int32' | 'uint8';
  readonly shape: readonly number[];
  /** Little-endian values in base64; absent when they are generated. */
  readonly data?: string;
  readonly seed?: number;
  readonly levels?: number;
  readonly span?: Pair;
}

interface StoredCase<A> {
  readonly name: string;
  readonly attributes: A;
  readonly inputs: Readonly<Record<string, StoredTensor>>;
  readonly outputs: Readonly<Record<string, StoredTensor>>;
}

/** Numbers that describe a tensor without storing it whole. */
export interface TensorSummary {
  /** 2-norm. */
  readonly norm: number;
  readonly sum: number;
  readonly absoluteSum: number;
  /** `samples[i]` is the element at i·stride in row-major order; at most 64. */
  readonly stride: number;
  readonly samples: readonly number[];
}

/** Three training steps under one rule for ties; each step's state is the one after it. */
export interface SheetRun {
  readonly ties: 'all' | 'split' | 'first';
  readonly steps: readonly {
    readonly loss: number;
    readonly gradients: Readonly<Record<string, TensorSummary>>;
    readonly parameters: Readonly<Record<string, TensorSummary>>;
  }[];
}

/** The training of make_sheet_steps.py with its inputs. */
export interface SheetSteps {
  /** (6, 1, 28, 28). */
  readonly images: GoldenTensor;
  /** (6), int32. */
  readonly labels: GoldenTensor;
  /** By name as in PyTorch's Sequential: '0.weight' (32, 1, 3, 3), '0.bias', '3.weight', … */
  readonly initial: ReadonlyMap<string, GoldenTensor>;
  readonly initialSummaries: Readonly<Record<string, TensorSummary>>;
  readonly imagesSummary: TensorSummary;
  readonly learningRate: number;
  readonly runs: readonly SheetRun[];
}

interface StoredSheetSteps {
  readonly seeds: Readonly<Record<string, number>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly imageCount: number;
  readonly learningRate: number;
  readonly labels: readonly number[];
  readonly initial: Readonly<Record<string, TensorSummary>>;
  readonly images: TensorSummary;
  readonly runs: readonly SheetRun[];
}

const MULTIPLIER = 6364136223846793005n;
const INCREMENT = 1442695040888963407n;

/** `count` numbers in [0, 1), the same bits as `uniforms` of golden.py. */
export function uniforms(seed: number, count: number): Float64Array {
  const values = new Float64Array(count);
  let state = BigInt(seed);
  for (let i = 0; i < count; i += 1) {
    state = BigInt.asUintN(64, state * MULTIPLIER + INCREMENT);
    values[i] = Number(state >> 11n) * 2 ** -53;
  }
  return values;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function read(name: string): unknown {
  const file = fileURLToPath(new URL(`./${name}.json`, import.meta.url));
  return JSON.parse(readFileSync(file, 'utf8'));
}

const arrays = { float64: Float64Array, int32: Int32Array, uint8: Uint8Array } as const;

/** What an input makes of a number in [0, 1). */
function distribution({ levels, span }: StoredTensor): (u: number) => number {
  if (span !== undefined) {
    const [low, high] = span;
    return (u) => low + ((high - low) * (Math.floor(u * 2 ** 16) + 0.5)) / 2 ** 16;
  }
  if (levels === undefined) return (u) => 2 * u - 1;
  return (u) => Math.floor(u * levels) - Math.floor(levels / 2);
}

function decode(stored: StoredTensor): GoldenTensor {
  const { dtype, shape, seed } = stored;
  if (seed !== undefined) {
    return { dtype, shape, data: uniforms(seed, sizeOf(shape)).map(distribution(stored)) };
  }
  const bytes = Uint8Array.from(Buffer.from(stored.data ?? '', 'base64'));
  return { dtype, shape, data: new arrays[dtype](bytes.buffer) };
}

function decodeAll(stored: Readonly<Record<string, StoredTensor>>): Record<string, GoldenTensor> {
  return Object.fromEntries(Object.entries(stored).map(([name, value]) => [name, decode(value)]));
}

/** The cases of a golden file, its tensors decoded. */
export function loadGolden<Name extends keyof GoldenFiles>(
  name: Name,
): GoldenCase<GoldenFiles[Name]>[] {
  const file = read(name) as { readonly cases: readonly StoredCase<GoldenFiles[Name]>[] };
  return file.cases.map((stored) => ({
    name: stored.name,
    attributes: stored.attributes,
    inputs: decodeAll(stored.inputs),
    outputs: decodeAll(stored.outputs),
  }));
}

function makeImages(seed: number, count: number): GoldenTensor {
  const data = new Float64Array(count * 28 * 28);
  const u = uniforms(seed, count * 14 * 14);
  for (let i = 0; i < u.length; i += 1) {
    const image = Math.floor(i / 196);
    const row = 6 + (Math.floor(i / 14) % 14);
    const column = 5 + (i % 14);
    data[(image * 28 + row) * 28 + column] = Math.floor((u[i] ?? 0) * 256) / 255;
  }
  return { dtype: 'float64', shape: [count, 1, 28, 28], data };
}

function makeParameter(seed: number | undefined, shape: readonly number[]): GoldenTensor {
  const data = new Float64Array(sizeOf(shape));
  if (seed !== undefined) {
    const u = uniforms(seed, 4 * data.length);
    const scale = Math.sqrt(6 / sizeOf(shape.slice(1)));
    for (let i = 0; i < data.length; i += 1) {
      const [a = 0, b = 0, c = 0, d = 0] = u.subarray(4 * i, 4 * i + 4);
      data[i] = (a + b + c + d - 2) * scale;
    }
  }
  return { dtype: 'float64', shape, data };
}

/** The exercise sheet's training: inputs made anew from their seeds, results as stored. */
export function loadSheetSteps(): SheetSteps {
  const stored = read('sheet-steps') as StoredSheetSteps;
  return {
    images: makeImages(stored.seeds.images ?? 0, stored.imageCount),
    labels: { dtype: 'int32', shape: [stored.imageCount], data: Int32Array.from(stored.labels) },
    initial: new Map(
      Object.entries(stored.shapes).map(([name, shape]) => [
        name,
        makeParameter(stored.seeds[name], shape),
      ]),
    ),
    initialSummaries: stored.initial,
    imagesSummary: stored.images,
    learningRate: stored.learningRate,
    runs: stored.runs,
  };
}

/** The summary of a tensor, to be compared with a stored one. */
export function summarize(data: ArrayLike<number>): TensorSummary {
  const stride = Math.max(1, Math.floor(data.length / 64));
  const samples: number[] = [];
  let [squares, sum, absoluteSum] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 1) {
    const value = data[i] ?? 0;
    squares += value * value;
    sum += value;
    absoluteSum += Math.abs(value);
    if (i % stride === 0 && samples.length < 64) samples.push(value);
  }
  return { norm: Math.sqrt(squares), sum, absoluteSum, stride, samples };
}
