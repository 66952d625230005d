import { checkBoolean, checkOptions, shapeError } from '../errors.ts';
import { linear } from '../ops/linear.ts';
import { checkInteger, formatShape, type Shape } from '../shape.ts';
import {
  type CommonOptions,
  commonOptionNames,
  type Layer,
  makeLayer,
  weightAndBias,
} from './layer.ts';

/** Settings of a dense layer. */
export interface DenseOptions extends CommonOptions {
  /** Number of outputs. */
  units: number;
  /** One learned value an output; default true. */
  bias?: boolean;
}

/** The F of an input (F). Throws ERR_SHAPE for any other. */
export function featuresOf(where: string, input: Shape): number {
  if (input.length === 1) return input[0] as number;
  throw shapeError(
    where,
    `features (F) are needed but the input is ${formatShape(input)}: put flatten() before`,
  );
}

/**
 * Every output from every input: (F) → (units). Parameters: weight (units, F), bias (units).
 * @throws ERR_ARGUMENT for an option out of range
 */
export function dense(options: DenseOptions): Layer {
  checkOptions('dense', options, ['units', 'bias', ...commonOptionNames]);
  const units = checkInteger('dense', 'units', options.units, 1);
  checkBoolean('dense', 'bias', options.bias ?? true);
  return makeLayer({
    kind: 'dense',
    options,
    parameters(input) {
      const features = featuresOf('dense', input);
      return weightAndBias([units, features], { fanIn: features, fanOut: units }, options);
    },
    forward: (x, { weight, bias }) => linear(x, weight as typeof x, bias ?? null),
  });
}
