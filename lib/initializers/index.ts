import { argumentError } from '../errors.ts';
import type { Generator } from '../random.ts';
import { elementCount, type Shape } from '../shape.ts';
import { allocate, type FloatDType, Tensor } from '../tensor.ts';

/** What an initializer may depend on. */
export interface Fan {
  /** Products that make one output: channels/groups · R · S, or features. */
  readonly fanIn: number;
  /** Outputs that one input goes into. */
  readonly fanOut: number;
}

/** A way to draw a parameter; `kind` and `options` are what a file keeps of it. */
export interface Initializer {
  readonly kind: string;
  readonly options: Readonly<Record<string, number>>;
  /** One value; called for every entry in row-major order. */
  draw(fan: Fan, random: Generator): number;
}

function finite(where: string, name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw argumentError(where, `${name} to be a finite number`, value);
  }
  return value;
}

function normalOf(kind: string, variance: (fan: Fan) => number): () => Initializer {
  return () => ({
    kind,
    options: {},
    draw: (fan, random) => Math.sqrt(variance(fan)) * random.normal(),
  });
}

function uniformOf(kind: string, variance: (fan: Fan) => number): () => Initializer {
  return () => ({
    kind,
    options: {},
    draw: (fan, random) => Math.sqrt(3 * variance(fan)) * (2 * random.uniform() - 1),
  });
}

/** Normal of variance 2/fanIn, for ReLU (He, Zhang, Ren, Sun 2015). */
export const heNormal = normalOf('heNormal', ({ fanIn }) => 2 / fanIn);
/** Uniform of variance 2/fanIn. */
export const heUniform = uniformOf('heUniform', ({ fanIn }) => 2 / fanIn);
/** Normal of variance 2/(fanIn + fanOut) (Glorot and Bengio 2010). */
export const glorotNormal = normalOf('glorotNormal', ({ fanIn, fanOut }) => 2 / (fanIn + fanOut));
/** Uniform of variance 2/(fanIn + fanOut). */
export const glorotUniform = uniformOf(
  'glorotUniform',
  ({ fanIn, fanOut }) => 2 / (fanIn + fanOut),
);
/** Normal of variance 1/fanIn (LeCun, Bottou, Orr, Müller 1998). */
export const lecunNormal = normalOf('lecunNormal', ({ fanIn }) => 1 / fanIn);
/** Uniform of variance 1/fanIn. */
export const lecunUniform = uniformOf('lecunUniform', ({ fanIn }) => 1 / fanIn);

/** Normal of standard deviation gain/√fanIn; the gain of ReLU is √2, of tanh 5/3, default 1. */
export function scaledNormal(options: { gain?: number } = {}): Initializer {
  const gain = finite('scaledNormal', 'gain', options.gain ?? 1);
  return {
    kind: 'scaledNormal',
    options: { gain },
    draw: ({ fanIn }, random) => (gain / Math.sqrt(fanIn)) * random.normal(),
  };
}

/** Normal of that standard deviation, default 0.01, and mean, default 0. */
export function normal(options: { deviation?: number; mean?: number } = {}): Initializer {
  const deviation = finite('normal', 'deviation', options.deviation ?? 0.01);
  const mean = finite('normal', 'mean', options.mean ?? 0);
  return {
    kind: 'normal',
    options: { deviation, mean },
    draw: (_, random) => mean + deviation * random.normal(),
  };
}

/** One value everywhere. */
export function constant(value: number): Initializer {
  return {
    kind: 'constant',
    options: { value: finite('constant', 'value', value) },
    draw: () => value,
  };
}

/** Zeros. */
export function zeros(): Initializer {
  return { kind: 'zeros', options: {}, draw: () => 0 };
}

const table: Readonly<Record<string, (options: Readonly<Record<string, number>>) => Initializer>> =
  {
    heNormal,
    heUniform,
    glorotNormal,
    glorotUniform,
    lecunNormal,
    lecunUniform,
    scaledNormal,
    normal,
    constant: ({ value = 0 }) => constant(value),
    zeros,
  };

/** Whether `initializerOf` knows the kind. */
export function isListed(kind: string): boolean {
  return Object.hasOwn(table, kind);
}

/** The initializer of that kind. Throws ERR_ARGUMENT for an unknown one. */
export function initializerOf(
  kind: string,
  options: Readonly<Record<string, number>>,
): Initializer {
  const make = isListed(kind) ? table[kind] : undefined;
  if (make === undefined) {
    throw argumentError('initializer', `one of ${Object.keys(table).join(', ')}`, kind);
  }
  return make(options);
}

/** A parameter drawn by `initializer`; its values are drawn in float64, then rounded. */
export function drawTensor(
  initializer: Initializer,
  shape: Shape,
  dtype: FloatDType,
  fan: Fan,
  random: Generator,
): Tensor {
  const data = allocate(dtype, elementCount(shape));
  for (let i = 0; i < data.length; i++) data[i] = initializer.draw(fan, random);
  return new Tensor(data, shape, dtype);
}
