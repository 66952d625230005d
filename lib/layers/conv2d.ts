import { checkOptions, shapeError } from '../errors.ts';
import { type Conv2dOptions, conv2dOptionNames, conv2d as convolve } from '../ops/conv2d.ts';
import { checkInteger, checkPair, formatShape, type Pair, type Shape } from '../shape.ts';
import {
  type CommonOptions,
  checkBoolean,
  commonOptionNames,
  type Layer,
  makeLayer,
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

/** The C of an input (C,H,W). Throws ERR_SHAPE for any other. */
export function channelsOf(where: string, input: Shape): number {
  if (input.length === 3) return input[0] as number;
  throw shapeError(where, `images (C,H,W) are needed but the input is ${formatShape(input)}`);
}

/** Throws ERR_SHAPE unless groups divide input channels and filters. */
export function checkGroups(
  where: string,
  groups: number,
  channels: number,
  filters: number,
): void {
  if (channels % groups === 0 && filters % groups === 0) return;
  throw shapeError(
    where,
    `groups ${groups} must divide both the ${channels} input channels and the ${filters} filters`,
  );
}

/** Those of `options` whose keys are among `names`. */
export function pick<T extends object, K extends keyof T>(
  options: T,
  names: readonly K[],
): Partial<Pick<T, K>> {
  const entries = names.filter((name) => options[name] !== undefined);
  return Object.fromEntries(entries.map((name) => [name, options[name]])) as Partial<Pick<T, K>>;
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
  checkBoolean('conv2d', 'bias', options.bias ?? true);
  const settings = pick(options, conv2dOptionNames);
  return makeLayer({
    kind: 'conv2d',
    options,
    parameters(input) {
      const channels = channelsOf('conv2d', input);
      checkGroups('conv2d', groups, channels, filters);
      const perGroup = channels / groups;
      const fan = { fanIn: perGroup * r * s, fanOut: (filters / groups) * r * s };
      return weightAndBias([filters, perGroup, r, s], fan, options);
    },
    forward: (x, { weight, bias }) => convolve(x, weight as typeof x, bias ?? null, settings),
  });
}
