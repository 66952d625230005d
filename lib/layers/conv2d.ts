import { checkOptions, shapeError } from '../errors.ts';
import { type Conv2dOptions, conv2dOptionNames, conv2d as convolve } from '../ops/conv2d.ts';
import { checkInteger, checkPair, formatShape, type Pair } from '../shape.ts';
import {
  type CommonOptions,
  checkActivation,
  checkName,
  commonOptionNames,
  type Layer,
  weightAndBias,
} from './layer.ts';

/** Settings of a convolution layer. */
export interface Conv2dLayerOptions extends CommonOptions, Conv2dOptions {
  /** Number of filters, K. */
  filters: number;
  /** Filter size. */
  kernelSize: number | Pair;
  /** One learned value a filter; default true. */
  bias?: boolean;
}

/**
 * A bank of filters over images: (C,H,W) → (K,P,Q). Parameters: weight (K, C/groups, R, S), bias (K).
 * @throws ERR_ARGUMENT for an option out of range
 */
export function conv2d(options: Conv2dLayerOptions): Layer {
  const known = ['filters', 'kernelSize', 'bias', ...conv2dOptionNames, ...commonOptionNames];
  checkOptions('conv2d', options, known);
  const filters = checkInteger('conv2d', 'filters', options.filters, 1);
  const [r, s] = checkPair('conv2d', 'kernelSize', options.kernelSize, 1);
  const groups = checkInteger('conv2d', 'groups', options.groups ?? 1, 1);
  const { stride, padding, dilation, flipKernel } = options;
  const settings: Conv2dOptions = {
    groups,
    ...(stride === undefined ? {} : { stride }),
    ...(padding === undefined ? {} : { padding }),
    ...(dilation === undefined ? {} : { dilation }),
    ...(flipKernel === undefined ? {} : { flipKernel }),
  };
  return {
    kind: 'conv2d',
    options: { ...options },
    name: checkName('conv2d', options.name),
    optimizer: options.optimizer ?? null,
    activation: checkActivation('conv2d', options.activation ?? 'linear'),
    parameters(input) {
      if (input.length !== 3) {
        throw shapeError(
          'conv2d',
          `images (C,H,W) are needed but the input is ${formatShape(input)}`,
        );
      }
      const channels = input[0] as number;
      if (channels % groups !== 0 || filters % groups !== 0) {
        throw shapeError(
          'conv2d',
          `groups ${groups} must divide both the ${channels} input channels and the ${filters} filters`,
        );
      }
      const perGroup = channels / groups;
      const fan = { fanIn: perGroup * r * s, fanOut: (filters / groups) * r * s };
      return weightAndBias([filters, perGroup, r, s], fan, options);
    },
    forward: (x, { weight, bias }) =>
      convolve(x, weight as typeof x, (bias as typeof x | undefined) ?? null, settings),
  };
}
