import { expect } from 'vitest';
import { StridenetError } from '../../lib/errors.ts';
import { Generator } from '../../lib/random.ts';

/** What reading a file came to. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

export async function outcomeOf<T>(read: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    return { error };
  }
}

/** Expects ERR_FILE_FORMAT in the form `[reader] file, byte offset: reason`, of that file. */
export function expectFormatError(error: unknown, file: string, label = ''): void {
  expect(error, label).toBeInstanceOf(StridenetError);
  const { code, message } = error as StridenetError;
  expect(code, `${label}: ${message}`).toBe('ERR_FILE_FORMAT');
  expect(message, label).toContain(file);
  expect(message, label).toMatch(/, byte \d+: ./s);
}

/** Reads the bytes cut at every length, each of which must be refused. */
export async function refuseCuts(
  bytes: Uint8Array,
  file: string,
  read: (bytes: Uint8Array) => unknown,
): Promise<void> {
  for (let size = 0; size < bytes.length; size++) {
    const outcome = await outcomeOf(() => read(bytes.subarray(0, size)));
    expect(outcome, `cut at ${size} of ${bytes.length}`).toHaveProperty('error');
    if ('error' in outcome) expectFormatError(outcome.error, file, `cut at ${size}`);
  }
}

/**
 * Reads the bytes with one to three of them changed, many times: each must be refused, or give what
 * `accept` does not complain of. The label says seed and trial.
 */
export async function surviveChanges<T>(
  bytes: Uint8Array,
  file: string,
  read: (bytes: Uint8Array) => T | Promise<T>,
  { seed, trials, accept }: { seed: number; trials: number; accept: (value: T) => void },
): Promise<{ refused: number; read: number }> {
  const random = new Generator(seed, 'changes');
  const count = { refused: 0, read: 0 };
  for (let trial = 0; trial < trials; trial++) {
    const changed = Uint8Array.from(bytes);
    for (let i = 0; i <= trial % 3; i++)
      changed[random.integer(bytes.length)] = random.integer(256);
    const outcome = await outcomeOf(() => read(changed));
    if ('error' in outcome) {
      expectFormatError(outcome.error, file, `seed ${seed}, trial ${trial}`);
      count.refused++;
    } else {
      accept(outcome.value);
      count.read++;
    }
  }
  return count;
}
