import { resolve } from 'node:path';
import { writeAtomically } from '../../data/atomicFile.ts';
import { checkPath } from '../../data/files.ts';
import { writeNpz } from '../../data/npz.ts';
import { safetensorsParts } from '../../data/safetensors.ts';
import { StridenetError } from '../../errors.ts';
import type { Architecture } from '../architecture.ts';
import type { ParameterStore } from '../parameterStore.ts';
import { checkSaveWeights, formatOf, type SaveWeightsOptions, selectionOf } from './options.ts';

const where = 'saveWeights';

/** Writes parameters of a network; see Network.saveWeights. */
export async function writeWeights(
  architecture: Architecture,
  store: ParameterStore,
  given: string | URL,
  options: SaveWeightsOptions,
): Promise<void> {
  const name = checkPath(where, given);
  checkSaveWeights(where, options);
  const format = formatOf(where, name, options.format);
  const path = resolve(name);
  const selected = selectionOf(where, architecture, options);
  const { compress = false } = options;
  if (compress && format !== 'npz') {
    throw new StridenetError('ERR_ARGUMENT', `[${where}] compress is for .npz: ${path}`);
  }
  const { values } = await store.settled();
  const chosen = new Map([...values].filter(([key]) => selected(key)));
  if (format === 'npz') return writeNpz(path, chosen, { compress });
  return writeAtomically(where, path, safetensorsParts(chosen, new Map()));
}
