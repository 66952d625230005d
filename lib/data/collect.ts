import { argumentError, checkOptions, StridenetError } from '../errors.ts';
import { checkInteger } from '../shape.ts';
import { closeQuietly } from './pipeline/iterate.ts';
import { type Item, nextKept, type Reader } from './pipeline/reader.ts';
import type { Stage } from './pipeline/stage.ts';
import { Rows, sampleBytes, specOf } from './rows.ts';
import { checkSample, type Sample } from './sample.ts';
import type { Samples } from './samples.ts';
import { Turns } from './turns.ts';

/** Settings of toSamples. */
export interface ToSamplesOptions {
  /** What the samples may take; default 4 GiB. */
  maxBytes?: number;
}

const where = 'Dataset.toSamples';

/**
 * Calls `use` for every value of the first pass, with seed 0, and lets other work have its turn in
 * between. Closes the pass whatever happens.
 */
export async function forEachItem<T>(stage: Stage<T>, use: (item: Item<T>) => void): Promise<void> {
  const reader: Reader<T> = stage.open({ seed: 0, epoch: 1 }, 0);
  const turns = new Turns();
  try {
    for (;;) {
      const next = nextKept(reader);
      const item = next instanceof Promise ? await next : next;
      if (item === null) return;
      use(item);
      const turn = turns.next();
      if (turn !== null) await turn;
    }
  } catch (error) {
    await closeQuietly(reader);
    throw error;
  }
}

/** All samples of a stage in memory. See Dataset.toSamples. */
export async function collect(
  stage: Stage<Sample>,
  scale: number | null,
  options: ToSamplesOptions,
): Promise<Samples> {
  checkOptions(where, options, ['maxBytes']);
  const { maxBytes = 2 ** 32 } = options;
  checkInteger(where, 'maxBytes', maxBytes, 1, Number.MAX_SAFE_INTEGER);
  let rows: Rows | null = null;
  let most = 0;
  const begin = ({ value, index }: Item<Sample>): Rows => {
    checkSample(where, value, index);
    const spec = specOf(value);
    most = Math.floor(maxBytes / Math.max(1, sampleBytes(spec)));
    if ((stage.length ?? 1) > most) throw tooLarge(`${stage.length} samples`, maxBytes);
    return new Rows(where, spec, stage.length ?? Math.min(most, 64));
  };
  await forEachItem(stage, (item) => {
    rows ??= begin(item);
    if (rows.count === rows.capacity) {
      if (rows.count === most) throw tooLarge(`more than ${most} samples`, maxBytes);
      rows.grow(Math.min(most, 2 * rows.capacity));
    }
    rows.add(item.value, item.index);
  });
  if (rows === null) throw argumentError(where, 'at least one sample', 0);
  return { ...(rows as Rows).samples(), ...(scale === null ? {} : { scale }) };
}

function tooLarge(what: string, maxBytes: number): StridenetError {
  return new StridenetError(
    'ERR_MEMORY',
    `[${where}] ${what} take more than maxBytes, ${maxBytes} bytes`,
  );
}
