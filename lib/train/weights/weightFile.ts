import { listArchive, readArchive } from '../../data/npz.ts';
import type { TensorEntry } from '../../data/safetensors.ts';
import { readingSafetensors } from '../../data/safetensorsFile.ts';
import { elementCount, type Shape } from '../../shape.ts';
import { type DType, elementBytes, type Tensor } from '../../tensor.ts';
import { checkCheckpoint, isCheckpoint } from '../checkpoint/format.ts';
import type { WeightFormat } from './options.ts';

/** A tensor that a file declares. */
export interface StoredWeight {
  readonly name: string;
  readonly shape: Shape;
  /** What its elements become when they are read. */
  readonly dtype: DType;
}

/** A file of tensors by name, whatever its format; every name is there once. */
export interface WeightFile {
  /** Checked against the size of the file. */
  readonly entries: readonly StoredWeight[];
  /** Takes memory for the tensors of these names and no others. */
  read(wanted: readonly StoredWeight[]): Promise<Map<string, Tensor>>;
}

/**
 * The parameters among the states of a checkpoint: all but 'key.slot', what a training keeps of
 * parameter 'key'. Its average, where there is one, takes its place, as it does in the network.
 */
function parametersOf(states: ReadonlyMap<string, TensorEntry>): Map<string, TensorEntry> {
  const own = [...states].filter(([name]) => !states.has(name.slice(0, name.lastIndexOf('.'))));
  return new Map(own.map(([key, entry]) => [key, states.get(`${key}.average`) ?? entry]));
}

async function readingNpz<T>(
  where: string,
  path: string,
  body: (file: WeightFile) => T | Promise<T>,
): Promise<T> {
  const listed = await listArchive(where, path);
  const entries = [...listed].map(([name, { shape, type }]) => {
    return { name, shape, dtype: type.dtype };
  });
  return body({
    entries,
    async read(wanted) {
      const bytes = wanted.map(({ shape, dtype }) => elementCount(shape) * elementBytes(dtype));
      const most = bytes.reduce((sum, each) => sum + each, 0);
      const names = wanted.map(({ name }) => name);
      const found = await readArchive(where, path, most, names);
      return new Map([...found].map(([name, { tensor }]) => [name, tensor]));
    },
  });
}

/** Runs `body` with the file; throws what it throws, and what the readers of the formats do. */
export function readingWeights<T>(
  where: string,
  path: string,
  format: WeightFormat,
  body: (file: WeightFile) => T | Promise<T>,
): Promise<T> {
  if (format === 'npz') return readingNpz(where, path, body);
  return readingSafetensors(path, async (file) => {
    const checkpoint = isCheckpoint(file);
    if (checkpoint) await checkCheckpoint(file);
    const entries = new Map(file.entries.map((entry) => [entry.key, entry]));
    const states = checkpoint ? parametersOf(entries) : entries;
    return body({
      entries: [...states].map(([name, { shape, dtype }]) => ({ name, shape, dtype })),
      async read(wanted) {
        const found = new Map<string, Tensor>();
        for (const { name } of wanted) {
          found.set(name, await file.tensor(states.get(name) as TensorEntry));
        }
        return found;
      },
    });
  });
}
