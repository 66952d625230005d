import { argumentError, checkOptions } from '../errors.ts';
import type { Generator } from '../random.ts';
import { checkFinite, type Fan, type Initializer } from './initializer.ts';

/** What the variance is divided by: fan-in, fan-out, or their mean. */
export type FanMode = 'fanIn' | 'fanOut' | 'fanAverage';

/** Settings of an initializer that scales with the fan. */
export interface ScaledOptions {
  /** Default: that of the initializer. */
  mode?: FanMode;
  /** Of the activation that follows, see `gain`: the standard deviation is gain/√fan. */
  gain?: number;
}

const fans: Readonly<Record<FanMode, (fan: Fan) => number>> = {
  fanIn: ({ fanIn }) => fanIn,
  fanOut: ({ fanOut }) => fanOut,
  fanAverage: ({ fanIn, fanOut }) => (fanIn + fanOut) / 2,
};

const unitVariance = {
  normal: (random: Generator): number => random.normal(),
  uniform: (random: Generator): number => Math.sqrt(3) * (2 * random.uniform() - 1),
};

/** Initializers of variance gain²/fan; `variance` is gain² and `mode` the fan by default. */
function scaled(
  kind: string,
  distribution: keyof typeof unitVariance,
  variance: number,
  mode: FanMode,
): (options?: ScaledOptions) => Initializer {
  return (options = {}) => {
    checkOptions(kind, options, ['mode', 'gain']);
    const chosen = options.mode ?? mode;
    if (!Object.hasOwn(fans, chosen)) {
      throw argumentError(kind, `mode to be one of ${Object.keys(fans).join(', ')}`, chosen);
    }
    const { gain } = options;
    const square = gain === undefined ? variance : checkFinite(kind, 'gain', gain) ** 2;
    const draw = unitVariance[distribution];
    return {
      kind,
      options: {
        ...(options.mode === undefined ? {} : { mode: chosen }),
        ...(gain === undefined ? {} : { gain }),
      },
      draw: (fan, random) => Math.sqrt(square / fans[chosen](fan)) * draw(random),
    };
  };
}

/** Normal of variance gain²/fan, by default 2/fanIn, for ReLU (He, Zhang, Ren, Sun 2015). */
export const heNormal = scaled('heNormal', 'normal', 2, 'fanIn');
/** Uniform of variance gain²/fan, by default 2/fanIn. */
export const heUniform = scaled('heUniform', 'uniform', 2, 'fanIn');
/** Normal of variance gain²/fan, by default 2/(fanIn + fanOut) (Glorot and Bengio 2010). */
export const glorotNormal = scaled('glorotNormal', 'normal', 1, 'fanAverage');
/** Uniform of variance gain²/fan, by default 2/(fanIn + fanOut). */
export const glorotUniform = scaled('glorotUniform', 'uniform', 1, 'fanAverage');
/** Normal of variance gain²/fan, by default 1/fanIn (LeCun, Bottou, Orr, Müller 1998). */
export const lecunNormal = scaled('lecunNormal', 'normal', 1, 'fanIn');
/** Uniform of variance gain²/fan, by default 1/fanIn. */
export const lecunUniform = scaled('lecunUniform', 'uniform', 1, 'fanIn');

/**
 * Normal of standard deviation gain/√fanIn.
 * @param options.gain finite; default 1
 */
export function scaledNormal(options: { gain?: number } = {}): Initializer {
  checkOptions('scaledNormal', options, ['gain']);
  const gain = checkFinite('scaledNormal', 'gain', options.gain ?? 1);
  return {
    kind: 'scaledNormal',
    options: { gain },
    draw: ({ fanIn }, random) => (gain / Math.sqrt(fanIn)) * random.normal(),
  };
}

/** Activations whose gain PyTorch's calculate_gain knows. */
const gains: Readonly<Record<string, (negativeSlope: number) => number>> = {
  linear: () => 1,
  sigmoid: () => 1,
  tanh: () => 5 / 3,
  relu: () => Math.SQRT2,
  leakyRelu: (negativeSlope) => Math.sqrt(2 / (1 + negativeSlope ** 2)),
  selu: () => 3 / 4,
};

/**
 * The gain that keeps the variance of values through an activation: linear and sigmoid 1, tanh 5/3,
 * relu √2, leakyRelu √(2/(1 + negativeSlope²)), selu 3/4 (PyTorch's calculate_gain).
 * @param activation its name, as an option of layers
 * @param options.negativeSlope of leakyRelu; default 0.01
 * @throws ERR_ARGUMENT for any other activation
 */
export function gain(activation: string, options: { negativeSlope?: number } = {}): number {
  checkOptions('gain', options, activation === 'leakyRelu' ? ['negativeSlope'] : []);
  const of = Object.hasOwn(gains, activation) ? gains[activation] : undefined;
  if (of === undefined) {
    throw argumentError('gain', `an activation of ${Object.keys(gains).join(', ')}`, activation);
  }
  return of(checkFinite('gain', 'negativeSlope', options.negativeSlope ?? 0.01));
}
