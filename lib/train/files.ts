import { resolve } from 'node:path';
import type { BackendName } from '../backends/backend.ts';
import { writeAtomically } from '../data/atomicFile.ts';
import { checkPath } from '../data/files.ts';
import { safetensorsParts, type TensorEntry } from '../data/safetensors.ts';
import { readingSafetensors, type SafetensorsFile } from '../data/safetensorsFile.ts';
import { argumentError, checkOptions, StridenetError, shapeError } from '../errors.ts';
import type { CustomLayer } from '../layers/custom.ts';
import { layerOf } from '../layers/registry.ts';
import { nestingFault } from '../nesting.ts';
import { sameShape } from '../shape.ts';
import { checkFloatDType, describe, type Tensor } from '../tensor.ts';
import { Architecture } from './architecture.ts';
import { type CustomFactory, checkKnown, customFinder, customIn } from './customLayers.ts';
import { type Description, descriptionOf } from './description.ts';
import { differenceText } from './differences.ts';
import { Network } from './network.ts';
import { checkClassNames } from './networkOptions.ts';
import type { BatchingOptions } from './serving/options.ts';

const formatVersion = '1';

/** Writes a network; see Network.save. */
export async function saveNetwork(
  path: string | URL,
  architecture: Architecture,
  parameters: ReadonlyMap<string, Tensor>,
  classNames: readonly string[] | null,
): Promise<void> {
  const file = resolve(checkPath('save', path));
  if (file.endsWith('.npz')) {
    throw argumentError('save', 'a path for safetensors: saveWeights writes .npz', path);
  }
  const metadata = new Map([
    ['format', 'stridenet'],
    ['version', formatVersion],
    ['architecture', JSON.stringify(descriptionOf(architecture))],
    ...(classNames === null ? [] : [['classNames', JSON.stringify(classNames)] as const]),
  ]);
  await writeAtomically('save', file, safetensorsParts(parameters, metadata));
}

/** Runs `body`; what it throws is the file's fault. */
function reading<T>(path: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const reason = message.replace(/^\[load\] /, '');
    throw new StridenetError('ERR_FILE_FORMAT', `[load] ${path}: ${reason}`, { cause });
  }
}

function parse(text: string): Description {
  const found = JSON.parse(text) as Partial<Description> | null;
  if (!Array.isArray(found?.layers)) throw new Error('the architecture has no list of layers');
  const fault = nestingFault(found);
  if (fault !== null) throw new Error(`the architecture ${fault}`);
  return found as Description;
}

async function describedNetwork(
  path: string,
  file: SafetensorsFile,
  { custom = [], ...options }: LoadOptions,
): Promise<Network> {
  const known = customFinder(custom);
  const description = reading(path, () => parse(file.metadata.get('architecture') ?? ''));
  checkKnown(
    path,
    reading(path, () => customIn(description)),
    known,
  );
  const { inputShape, dtype } = description;
  const { layers, kept, outputShape } = reading(path, () => {
    checkFloatDType('load', dtype);
    const made = description.layers.map((layer) => layerOf(layer, known));
    const architecture = new Architecture(inputShape, made, dtype);
    checkParameters(architecture, file.entries);
    return { layers: made, kept: namesIn(file), outputShape: architecture.outputShape };
  });
  if (options.classNames !== undefined) checkClassNames('load', options.classNames, outputShape);
  const tensors = await file.tensors();
  return reading(
    path,
    () => new Network({ ...kept, ...options, inputShape, dtype, layers }, tensors),
  );
}

/** The names of the classes that a file has, which the network checks, or nothing. */
function namesIn({ metadata }: SafetensorsFile): { classNames?: readonly string[] } {
  const text = metadata.get('classNames');
  return text === undefined ? {} : { classNames: JSON.parse(text) };
}

/** Throws ERR_SHAPE unless the tensors are the architecture's parameters, no more and no less. */
function checkParameters(architecture: Architecture, entries: SafetensorsFile['entries']): void {
  const tensors = new Map(entries.map((entry) => [entry.key, entry]));
  const { parameters, dtype } = architecture;
  const expected = new Set(parameters.map(({ key }) => key));
  const text = differenceText(
    [...expected].filter((key) => !tensors.has(key)),
    [...tensors.keys()].filter((key) => !expected.has(key)),
  );
  if (text !== '') throw shapeError('load', text);
  for (const { key, shape } of parameters) {
    const value = tensors.get(key) as TensorEntry;
    if (!sameShape(value.shape, shape) || value.dtype !== dtype) {
      const expectation = describe({ shape, dtype });
      throw shapeError('load', `${key} must be ${expectation} but is ${describe(value)}`);
    }
  }
}

/** Where a loaded network runs, and what its file cannot hold. */
export interface LoadOptions {
  /** Default: that of `setDefaultBackend`, at first 'native'. */
  backend?: BackendName;
  /** Threads of native runs; default: all of the pool. */
  threads?: number;
  /** As of `sequential`; default false. */
  winograd?: boolean;
  /** As of `sequential`. */
  batching?: BatchingOptions;
  /** In place of those that the file has. */
  classNames?: readonly string[];
  /**
   * The custom layers of the network, made by `sn.layers.custom` and found by their titles and
   * settings; each may be used any number of times, under the names and `trainable` of the file. Or
   * functions by title, which make the layer of the settings that the file has. Default: none.
   */
  custom?: readonly CustomLayer[] | Readonly<Record<string, CustomFactory>>;
}

/**
 * Reads a network that `save` wrote.
 * @param path a path or file: URL
 * @throws ERR_ARGUMENT that names the custom layers which the file has and `options.custom` has not;
 *   ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS; ERR_FILE_FORMAT for another kind of file, another version, or
 *   parameters that do not fit the architecture
 */
export async function load(path: string | URL, options: LoadOptions = {}): Promise<Network> {
  const name = checkPath('load', path);
  return readingSafetensors(resolve(name), (file) => {
    const { metadata } = file;
    if (metadata.get('format') !== 'stridenet' || metadata.get('version') !== formatVersion) {
      const cure =
        metadata.get('format') === 'stridenet'
          ? `its version is ${metadata.get('version')}`
          : `it holds ${file.entries.length} tensors and no architecture: net.loadWeights reads them into a network`;
      throw new StridenetError(
        'ERR_FILE_FORMAT',
        `[load] ${name} is no stridenet model of version ${formatVersion}; ${cure}`,
      );
    }
    const known = ['backend', 'threads', 'winograd', 'batching', 'classNames', 'custom'];
    checkOptions('load', options, known);
    return describedNetwork(name, file, options);
  });
}
