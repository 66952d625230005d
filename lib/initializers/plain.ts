import { argumentError, checkOptions } from '../errors.ts';
import { checkFinite, type Initializer } from './initializer.ts';

/**
 * Normal.
 * @param options.deviation the standard deviation; default 0.01
 * @param options.mean default 0
 */
export function normal(options: { deviation?: number; mean?: number } = {}): Initializer {
  checkOptions('normal', options, ['deviation', 'mean']);
  const deviation = checkFinite('normal', 'deviation', options.deviation ?? 0.01);
  const mean = checkFinite('normal', 'mean', options.mean ?? 0);
  return {
    kind: 'normal',
    options: { deviation, mean },
    draw: (_, random) => mean + deviation * random.normal(),
  };
}

/**
 * Normal, with values further than `limit` deviations from the mean drawn again.
 * @param options.deviation the standard deviation before that; default 0.01
 * @param options.mean default 0
 * @param options.limit in deviations; default 2
 * @throws ERR_ARGUMENT for a limit below 0.01, where nearly all would be
 */
export function truncatedNormal(
  options: { deviation?: number; mean?: number; limit?: number } = {},
): Initializer {
  checkOptions('truncatedNormal', options, ['deviation', 'mean', 'limit']);
  const deviation = checkFinite('truncatedNormal', 'deviation', options.deviation ?? 0.01);
  const mean = checkFinite('truncatedNormal', 'mean', options.mean ?? 0);
  const limit = checkFinite('truncatedNormal', 'limit', options.limit ?? 2);
  if (limit < 0.01) throw argumentError('truncatedNormal', 'limit to be at least 0.01', limit);
  return {
    kind: 'truncatedNormal',
    options: { deviation, mean, limit },
    draw(_, random) {
      for (;;) {
        const value = random.normal();
        if (Math.abs(value) <= limit) return mean + deviation * value;
      }
    },
  };
}

/**
 * Uniform in [low, high).
 * @param options.low default −0.05
 * @param options.high default 0.05
 */
export function uniform(options: { low?: number; high?: number } = {}): Initializer {
  checkOptions('uniform', options, ['low', 'high']);
  const low = checkFinite('uniform', 'low', options.low ?? -0.05);
  const high = checkFinite('uniform', 'high', options.high ?? 0.05);
  if (low > high) throw argumentError('uniform', `low to be at most high, ${high}`, low);
  return {
    kind: 'uniform',
    options: { low, high },
    draw: (_, random) => low + (high - low) * random.uniform(),
  };
}

/**
 * One value everywhere.
 * @param value finite
 */
export function constant(value: number): Initializer {
  return {
    kind: 'constant',
    options: { value: checkFinite('constant', 'value', value) },
    draw: () => value,
  };
}

/** Zeros. */
export function zeros(): Initializer {
  return { kind: 'zeros', options: {}, draw: () => 0 };
}

/** Ones. */
export function ones(): Initializer {
  return { kind: 'ones', options: {}, draw: () => 1 };
}
