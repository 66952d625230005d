import { nextKept, type Reader } from './reader.ts';

/** The values of a pass, which is begun by the first call and closed when no more are wanted. */
export async function* iterate<T>(open: () => Reader<T>): AsyncGenerator<T, void, void> {
  const reader = open();
  let done = false;
  try {
    for (;;) {
      const item = await nextKept(reader);
      if (item === null) {
        done = true;
        return;
      }
      yield item.value;
    }
  } catch (error) {
    done = true;
    await closeQuietly(reader);
    throw error;
  } finally {
    if (!done) await reader.close();
  }
}

/** Closes a reader that failed: its error counts, not one of the closing. */
export async function closeQuietly(reader: Reader<unknown>): Promise<void> {
  try {
    await reader.close();
  } catch {
    // The first error is on its way.
  }
}
