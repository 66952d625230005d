import type { Executable } from './backend.ts';

/**
 * Programs, with what belongs to them, that are kept for a later call of the same key: so many, and so
 * many bytes of them; the least recently used are freed first. One that is in use is taken out.
 */
export class KeptPrograms<K, V extends { readonly program: Executable }> {
  readonly #maxPrograms: number;
  readonly #maxBytes: number;
  /** With the bytes that each held when it was put here. */
  readonly #kept = new Map<K, { readonly value: V; readonly bytes: number }>();
  #bytes = 0;

  constructor(maxPrograms: number, maxBytes: number) {
    this.#maxPrograms = maxPrograms;
    this.#maxBytes = maxBytes;
  }

  /** Takes out what is kept for the key. */
  take(key: K): V | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    this.#bytes -= kept.bytes;
    return kept.value;
  }

  /** Keeps a Program that is not running, instead of another one of the key. */
  keep(key: K, value: V): void {
    this.take(key)?.program.dispose();
    const { bytes } = value.program;
    this.#kept.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#maxPrograms && this.#bytes <= this.#maxBytes) return;
      this.take(oldest)?.program.dispose();
    }
  }

  /** Frees all. */
  clear(): void {
    for (const key of [...this.#kept.keys()]) this.take(key)?.program.dispose();
  }
}
