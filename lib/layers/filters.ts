import { checkBoolean, checkOptions, shapeError } from '../errors.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import { checkInteger, elementCount, formatShape, type Shape } from '../shape.ts';
import {
  type CommonOptions,
  commonOptionNames,
  type Layer,
  makeLayer,
  weightAndBias,
} from './layer.ts';

/** Settings of every layer with filters. */
export interface FilterOptions extends CommonOptions {
  /** Number of filters: the output's channels. */
  filters: number;
  /** One learned value a filter; default true. */
  bias?: boolean;
}

/** The C of an input (C,H,W) or (C,L). Throws ERR_SHAPE for any other. */
export function channelsOf(where: string, input: Shape, axes: '(C,H,W)' | '(C,L)'): number {
  if (input.length === axes.split(',').length) return input[0] as number;
  const what = axes === '(C,L)' ? 'signals' : 'images';
  throw shapeError(where, `${what} ${axes} are needed but the input is ${formatShape(input)}`);
}

/** How a layer with filters differs from others. */
interface FilterLayer<O extends FilterOptions> {
  readonly kind: string;
  readonly options: O;
  /** The operator's options. */
  readonly known: readonly (keyof O & string)[];
  readonly axes: '(C,H,W)' | '(C,L)';
  /** Checks the option and gives a size for each axis. */
  readonly kernelSize: (options: O) => readonly number[];
  /** The weight is (C, K/groups, …) instead of (K, C/groups, …). */
  readonly transposed?: boolean;
  apply(x: Variable, weight: Variable, bias: Operand | null, settings: Partial<O>): Variable;
}

/** A layer with a bank of filters. Throws ERR_ARGUMENT for an option out of range. */
export function filterLayer<O extends FilterOptions & { groups?: number }>({
  kind,
  options,
  known,
  axes,
  kernelSize: sizesOf,
  transposed = false,
  apply,
}: FilterLayer<O>): Layer {
  checkOptions(kind, options, ['filters', 'kernelSize', 'bias', ...known, ...commonOptionNames]);
  const filters = checkInteger(kind, 'filters', options.filters, 1);
  const kernelSize = sizesOf(options);
  const groups = checkInteger(kind, 'groups', options.groups ?? 1, 1);
  checkBoolean(kind, 'bias', options.bias ?? true);
  const given = known.filter((name) => options[name] !== undefined);
  const settings = Object.fromEntries(given.map((name) => [name, options[name]])) as Partial<O>;
  return makeLayer({
    kind,
    options,
    parameters(input) {
      const channels = channelsOf(kind, input, axes);
      if (channels % groups !== 0 || filters % groups !== 0) {
        throw shapeError(
          kind,
          `groups ${groups} must divide both the ${channels} input channels and the ${filters} filters`,
        );
      }
      const taps = elementCount(kernelSize);
      const fan = { fanIn: (channels / groups) * taps, fanOut: (filters / groups) * taps };
      const [first, second] = transposed ? [channels, filters] : [filters, channels];
      const shape = [first, second / groups, ...kernelSize];
      return weightAndBias(shape, fan, options, filters);
    },
    forward: (x, { weight, bias }) => apply(x, weight as Variable, bias ?? null, settings),
  });
}
