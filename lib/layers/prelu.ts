import { checkBoolean, checkOptions, shapeError } from '../errors.ts';
import type { Initializer } from '../initializers/initializer.ts';
import { constant } from '../initializers/plain.ts';
import { prelu as rectify } from '../ops/prelu.ts';
import { formatShape } from '../shape.ts';
import { type Layer, type LearnedOptions, learnedOptionNames, makeLayer } from './layer.ts';

/** Settings of PReLU. */
export interface PreluOptions extends LearnedOptions {
  /** A slope for each channel (the first axis of a sample) instead of one for all; default false. */
  perChannel?: boolean;
  /** Of the slopes; default constant(0.25). */
  initializer?: Initializer;
}

/**
 * x where x > 0, else slope·x with a learned slope (He, Zhang, Ren, Sun 2015). Parameters: weight
 * (1), or (C) with `perChannel`.
 * @throws ERR_ARGUMENT for an option out of range
 */
export function prelu(options: PreluOptions = {}): Layer {
  checkOptions('prelu', options, ['perChannel', 'initializer', ...learnedOptionNames]);
  const { initializer = constant(0.25) } = options;
  const perChannel = checkBoolean('prelu', 'perChannel', options.perChannel ?? false);
  return makeLayer({
    kind: 'prelu',
    options,
    parameters(input) {
      if (perChannel && input.length === 0) {
        throw shapeError('prelu', `the input ${formatShape(input)} has no channels`);
      }
      const shape = [perChannel ? (input[0] as number) : 1];
      return [{ name: 'weight', shape, fan: { fanIn: 1, fanOut: 1 }, initializer }];
    },
    forward: (x, { weight }) => rectify(x, weight as typeof x),
  });
}
