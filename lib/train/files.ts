import { resolve } from 'node:path';
import type { BackendName } from '../backends/backend.ts';
import { argumentError, StridenetError } from '../errors.ts';
import { describeLayer, layerOf } from '../layers/index.ts';
import type { FloatDType, Tensor } from '../tensor.ts';
import type { Architecture } from './architecture.ts';
import { Network } from './network.ts';
import { encodeSafetensors, readSafetensors, writeAtomically } from './safetensors.ts';

const formatVersion = '1';

function checkPath(where: string, path: unknown): string {
  if (typeof path !== 'string' || path === '') throw argumentError(where, 'a path', path);
  return path;
}

/** Writes a network; see Network.save. */
export async function saveNetwork(
  path: string,
  architecture: Architecture,
  parameters: ReadonlyMap<string, Tensor>,
): Promise<void> {
  const description = {
    inputShape: architecture.inputShape,
    dtype: architecture.dtype,
    layers: architecture.layers.map(({ layer }) => describeLayer(layer)),
  };
  const metadata = new Map([
    ['format', 'stridenet'],
    ['version', formatVersion],
    ['architecture', JSON.stringify(description)],
  ]);
  await writeAtomically(resolve(checkPath('save', path)), encodeSafetensors(parameters, metadata));
}

function describedNetwork(path: string, text: string, options: LoadOptions): Network {
  try {
    const { inputShape, dtype, layers } = JSON.parse(text) as {
      inputShape: number[];
      dtype: FloatDType;
      layers: unknown[];
    };
    return new Network({ ...options, inputShape, dtype, layers: layers.map(layerOf) });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StridenetError('ERR_FILE_FORMAT', `[load] ${path}: ${reason}`, { cause });
  }
}

/** Where a loaded network runs. */
export interface LoadOptions {
  backend?: BackendName;
  threads?: number;
}

/**
 * Reads a network that `save` wrote.
 * @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS; ERR_FILE_FORMAT for another kind of file, another version, or
 *   parameters that do not fit the architecture
 */
export async function load(path: string, options: LoadOptions = {}): Promise<Network> {
  const { tensors, metadata } = await readSafetensors(resolve(checkPath('load', path)));
  if (metadata.get('format') !== 'stridenet' || metadata.get('version') !== formatVersion) {
    throw new StridenetError(
      'ERR_FILE_FORMAT',
      `[load] ${path} is no stridenet model of version ${formatVersion}`,
    );
  }
  const network = describedNetwork(path, metadata.get('architecture') ?? '', options);
  const expected = network.architecture.parameters.map(({ key }) => key);
  const absent = expected.filter((key) => !tensors.has(key));
  const unknown = [...tensors.keys()].filter((key) => !expected.includes(key));
  if (absent.length > 0 || unknown.length > 0) {
    throw new StridenetError(
      'ERR_FILE_FORMAT',
      `[load] ${path}: missing parameters [${absent.join(', ')}], unexpected [${unknown.join(', ')}]`,
    );
  }
  try {
    network.setParameters(tensors);
  } catch (cause) {
    throw new StridenetError('ERR_FILE_FORMAT', `[load] ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return network;
}
