import { checkOptions, shapeError } from '../errors.ts';
import { linear } from '../ops/linear.ts';
import { checkInteger, formatShape } from '../shape.ts';
import {
  type CommonOptions,
  checkActivation,
  checkName,
  commonOptionNames,
  type Layer,
  weightAndBias,
} from './layer.ts';

/** Settings of a dense layer. */
export interface DenseOptions extends CommonOptions {
  /** Number of outputs. */
  units: number;
  /** One learned value an output; default true. */
  bias?: boolean;
}

/**
 * Every output from every input: (F) → (units). Parameters: weight (units, F), bias (units).
 * @throws ERR_ARGUMENT for an option out of range
 */
export function dense(options: DenseOptions): Layer {
  checkOptions('dense', options, ['units', 'bias', ...commonOptionNames]);
  const units = checkInteger('dense', 'units', options.units, 1);
  return {
    kind: 'dense',
    options: { ...options },
    name: checkName('dense', options.name),
    optimizer: options.optimizer ?? null,
    activation: checkActivation('dense', options.activation ?? 'linear'),
    parameters(input) {
      if (input.length !== 1) {
        throw shapeError(
          'dense',
          `features (F) are needed but the input is ${formatShape(input)}: put flatten() before`,
        );
      }
      const features = input[0] as number;
      return weightAndBias([units, features], { fanIn: features, fanOut: units }, options);
    },
    forward: (x, { weight, bias }) =>
      linear(x, weight as typeof x, (bias as typeof x | undefined) ?? null),
  };
}
