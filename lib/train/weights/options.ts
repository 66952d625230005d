import { argumentError, checkBoolean, checkOptions, StridenetError } from '../../errors.ts';
import { isWithin } from '../../optimizers/optimizer.ts';
import type { Shape } from '../../shape.ts';
import type { Architecture } from '../architecture.ts';
import { checkPlaces } from '../rates.ts';

/** What a file of weights is. */
export type WeightFormat = 'safetensors' | 'npz';

/** Which parameters a file of weights is about, and what it is. */
export interface PlaceOptions {
  /**
   * Keys of parameters, or names or places of layers, that are taken; default: all. Whatever a file
   * has at other places is passed over.
   */
  only?: readonly string[];
  /** Those that are left out; default: none. */
  except?: readonly string[];
  /** Default: by the ending of the path. */
  format?: WeightFormat;
}

/** How `loadWeights` reads a file. */
export interface LoadWeightsOptions extends PlaceOptions {
  /**
   * Whether a parameter that the file lacks, and a tensor that no parameter has a use for, is an
   * error; default true. Else what fits is loaded, and the report tells the rest.
   */
  strict?: boolean;
  /** What is taken off the names in the file, 'module.'; names without it are passed over. */
  prefix?: string;
  /**
   * The network's name for a name in the file, after `prefix`: by tensor or by what comes before a
   * dot ({ fc: 'head', 'layer1.0': 'stem' }, the longest counts, '' takes it off), or a function.
   * null: it is passed over.
   * @param name in the file, without the prefix
   */
  rename?: Readonly<Record<string, string | null>> | ((name: string) => string | null);
  /**
   * 'name' (default): by names that are equal. 'order': the numbered modules of the file, one after
   * the other, are the layers with parameters of the network, whatever their numbers: for a
   * Sequential that counts activations where layers here have them as an option.
   */
  match?: 'name' | 'order';
  /** Whether tensors of another shape are passed over and reported instead of ERR_SHAPE; default false. */
  ignoreMismatched?: boolean;
}

/** How `saveWeights` writes a file. */
export interface SaveWeightsOptions extends PlaceOptions {
  /** Whether a .npz file is compressed (deflate); default false. */
  compress?: boolean;
}

/** A tensor whose shape is not that of its parameter. */
export interface MismatchedWeight {
  /** Of the parameter in the network. */
  readonly key: string;
  /** In the file. */
  readonly name: string;
  /** Of the parameter. */
  readonly expected: Shape;
  /** In the file. */
  readonly actual: Shape;
}

/** What `loadWeights` did. */
export interface LoadedWeights {
  /** Keys of the network that have values of the file, in the order of the network. */
  readonly loaded: readonly string[];
  /** Keys that the file has no tensor for, those that `only` and `except` leave out aside. */
  readonly missing: readonly string[];
  /** Names in the file of tensors that no parameter has a use for. */
  readonly unexpected: readonly string[];
  /**
   * Names in the file that were passed over: without the prefix, renamed to null, at places that
   * `only` or `except` leaves out, and PyTorch's `num_batches_tracked`.
   */
  readonly ignored: readonly string[];
  /** Those that `ignoreMismatched` passed over. */
  readonly mismatched: readonly MismatchedWeight[];
  /** What the loaded ones are called in the file, by key. */
  readonly names: ReadonlyMap<string, string>;
}

/** What `loadWeights` throws when the names in a file are others than the network's. */
export interface WeightsError extends StridenetError {
  /** Keys that the file has no tensor for. */
  readonly missing: readonly string[];
  /** Names in the file that no parameter has a use for. */
  readonly unexpected: readonly string[];
}

const formats: readonly unknown[] = ['safetensors', 'npz'];

const torch = "safetensors.torch.save_file(model.state_dict(), 'x.safetensors') makes one";
const keras =
  "safetensors.numpy.save_file({w.path: w.numpy() for w in model.weights}, 'x.safetensors') makes one, whose names and axes are not yet those of this network";

/** What makes a file that is read of one with another ending. */
const cures: ReadonlyMap<string, string> = new Map([
  ...['pt', 'pth', 'ckpt', 'bin'].map((ending) => [ending, torch] as const),
  ...['h5', 'keras'].map((ending) => [ending, keras] as const),
]);

/** The format that is asked for, or that the path ends in. Throws ERR_ARGUMENT for none. */
export function formatOf(where: string, path: string, format: unknown): WeightFormat {
  if (format !== undefined && !formats.includes(format)) {
    throw argumentError(where, "format to be 'safetensors' or 'npz'", format);
  }
  const ending = format ?? /\.([^.]*)$/.exec(path)?.[1]?.toLowerCase();
  if (formats.includes(ending)) return ending as WeightFormat;
  const cure = where === 'loadWeights' ? cures.get(String(ending)) : undefined;
  const advice = cure ? `: in Python, ${cure}` : ", or the option format: 'safetensors' or 'npz'";
  throw argumentError(where, 'a path that ends in .safetensors or .npz', path, advice);
}

/** Whether the key of a parameter is one that is taken. Throws ERR_ARGUMENT for names that are none. */
export function selectionOf(
  where: string,
  architecture: Architecture,
  { only, except = [] }: PlaceOptions,
): (key: string) => boolean {
  for (const [option, places] of Object.entries({ only, except })) {
    if (places === undefined) continue;
    if (!Array.isArray(places) || !places.every((place) => typeof place === 'string')) {
      throw argumentError(where, `${option} to be a list of keys and names of layers`, places);
    }
    checkPlaces(`${where}, ${option}`, architecture, places);
  }
  const within = (places: readonly string[], key: string): boolean =>
    places.some((place) => isWithin(key, place));
  return (key) => (only === undefined || within(only, key)) && !within(except, key);
}

const places = ['only', 'except', 'format'];

/** Throws ERR_ARGUMENT for an option that is none. */
export function checkLoadWeights(where: string, options: LoadWeightsOptions): void {
  const own = ['strict', 'prefix', 'rename', 'match', 'ignoreMismatched'];
  checkOptions(where, options, [...own, ...places]);
  const { strict = true, ignoreMismatched = false, prefix = '', rename = {}, match } = options;
  checkBoolean(where, 'strict', strict);
  checkBoolean(where, 'ignoreMismatched', ignoreMismatched);
  if (typeof prefix !== 'string') throw argumentError(where, 'prefix to be a text', prefix);
  if (match !== undefined && match !== 'name' && match !== 'order') {
    throw argumentError(where, "match to be 'name' or 'order'", match);
  }
  if (typeof rename === 'function') return;
  const isObject = typeof rename === 'object' && rename !== null && !Array.isArray(rename);
  const isTable = isObject && !(rename instanceof Map);
  if (!isTable || !Object.values(rename).every((to) => to === null || typeof to === 'string')) {
    throw argumentError(where, 'rename to be a function or an object of names', rename);
  }
}

/** Throws ERR_ARGUMENT for an option that is none, or that the format has not. */
export function checkSaveWeights(where: string, options: SaveWeightsOptions): void {
  checkOptions(where, options, ['compress', ...places]);
  checkBoolean(where, 'compress', options.compress ?? false);
}

/** ERR_ARGUMENT with all names that differ. */
export function weightsError(
  message: string,
  differences: Pick<WeightsError, 'missing' | 'unexpected'>,
): WeightsError {
  return Object.assign(new StridenetError('ERR_ARGUMENT', message), differences);
}
