import * as sn from '../index.ts';
import { innerSpec, madeOf } from './make.ts';
import { UsageError } from './process.ts';

const { custom: _, activation, ...layers } = sn.layers;
const { inception, mlpconv, resnextBlock } = sn.models;

/** Every layer that a configuration may name: those of sn.layers, and the blocks of sn.models. */
const makers: Readonly<Record<string, (options: never) => sn.Layer>> = {
  ...layers,
  activation: ({ activation: kind, ...options }: { activation: never }) =>
    activation(kind, options as never),
  ...{ inception, mlpconv, resnextBlock },
};

const { constant, ...initializers } = sn.initializers;
const initializerMakers = {
  ...initializers,
  constant: ({ value }: { value: number }) => constant(value),
};

/** The options whose values are initializers. */
const initialized = ['initializer', 'biasInitializer'];

/** An option of a layer: layers and initializers in it are made. */
function optionAt(path: string, name: string, value: unknown): unknown {
  if (initialized.includes(name)) {
    return madeOf<unknown>(path, initializerMakers, innerSpec(path, value));
  }
  if (name === 'optimizer') return madeOf(path, sn.optimizers, innerSpec(path, value));
  if (Array.isArray(value)) return value.map((each, i) => optionAt(`${path}[${i}]`, '', each));
  const isObject = typeof value === 'object' && value !== null;
  return isObject && 'kind' in value ? layerAt(path, value) : value;
}

/** A layer like `{ "kind": "conv2d", "filters": 32, "kernelSize": 3 }`. */
function layerAt(path: string, value: unknown): sn.Layer {
  const { kind, options } = innerSpec(path, value);
  const made = Object.entries(options).map(([name, option]) => [
    name,
    optionAt(`${path}.${name}`, name, option),
  ]);
  return madeOf(path, makers, { kind, options: Object.fromEntries(made) });
}

/**
 * The layers that a configuration lists.
 * @param path of the list, for messages
 * @throws UsageError with the path of the layer or option that is none
 */
export function layersOf(path: string, list: unknown): sn.Layer[] {
  if (Array.isArray(list)) return list.map((each, i) => layerAt(`${path}[${i}]`, each));
  throw new UsageError(`${path} needs a list of layers, each like { "kind": "flatten" }`);
}
