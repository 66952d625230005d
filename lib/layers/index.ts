import { StridenetError, show } from '../errors.ts';
import { type Initializer, initializerOf, isListed } from '../initializers/index.ts';
import { activation } from './activation.ts';
import { conv2d } from './conv2d.ts';
import { dense } from './dense.ts';
import { flatten } from './flatten.ts';
import type { Layer } from './layer.ts';
import { maxPool2d } from './maxPool2d.ts';

export { activation } from './activation.ts';
export { type Conv2dLayerOptions, conv2d } from './conv2d.ts';
export { type DenseOptions, dense } from './dense.ts';
export { flatten } from './flatten.ts';
export type { Activation, CommonOptions, Layer, ParameterSpec } from './layer.ts';
export { maxPool2d } from './maxPool2d.ts';

/** Every layer that a file may name. */
const table: Readonly<Record<string, (options: never) => Layer>> = {
  conv2d,
  maxPool2d,
  flatten,
  dense,
  activation: ({ activation: name, ...options }: { activation: 'relu'; name?: string }) =>
    activation(name, options),
};

/**
 * A layer as plain data. Its optimizer is a matter of training, not of the architecture; an
 * initializer of the user's own has done its work and is left out.
 */
export function describeLayer(layer: Layer): { kind: string; options: Record<string, unknown> } {
  const { optimizer, initializer, ...options } = layer.options as Record<string, unknown>;
  const known = initializer as Initializer | undefined;
  if (known === undefined || !isListed(known.kind)) return { kind: layer.kind, options };
  const kept = { kind: known.kind, options: known.options };
  return { kind: layer.kind, options: { ...options, initializer: kept } };
}

/** The layer that such data describes. Throws ERR_FILE_FORMAT for an unknown kind. */
export function layerOf(data: unknown): Layer {
  const { kind, options } = (data ?? {}) as { kind?: unknown; options?: Record<string, unknown> };
  const make = typeof kind === 'string' && Object.hasOwn(table, kind) ? table[kind] : undefined;
  if (
    make === undefined ||
    typeof options !== 'object' ||
    options === null ||
    'optimizer' in options
  ) {
    throw new StridenetError('ERR_FILE_FORMAT', `[load] no layer is called ${show(kind)}`);
  }
  const initializer = options.initializer as
    | { kind: string; options: Record<string, number> }
    | undefined;
  const complete =
    initializer === undefined
      ? { ...options }
      : { ...options, initializer: initializerOf(initializer.kind, initializer.options ?? {}) };
  return make(complete as never);
}
