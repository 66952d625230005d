import { argumentError, StridenetError } from '../errors.ts';

/** What ends work on a network before its time: a signal, or the end of the network. */
export class Stop {
  readonly #where: string;
  readonly #signal: AbortSignal | null;
  readonly #disposal: AbortSignal;

  /**
   * @param where what messages begin with
   * @param signal of the caller
   * @param disposal of the network
   */
  constructor(where: string, signal: AbortSignal | null, disposal: AbortSignal) {
    this.#where = where;
    this.#signal = signal;
    this.#disposal = disposal;
  }

  get stopped(): boolean {
    return this.#disposal.aborted || this.#signal?.aborted === true;
  }

  /** ERR_DISPOSED or ERR_ABORTED, whichever it was. */
  error(): StridenetError {
    if (this.#disposal.aborted) return disposedError(this.#where);
    const options = { cause: this.#signal?.reason };
    return new StridenetError('ERR_ABORTED', `[${this.#where}] stopped by its signal`, options);
  }

  /** Throws `error()` when stopped. */
  check(): void {
    if (this.stopped) throw this.error();
  }

  /**
   * What `work` gives, or `error()` when it stops before. Nobody then waits for the work, and what it
   * rejects with later is nobody's matter.
   */
  async until<T>(work: T | PromiseLike<T>): Promise<T> {
    let unlisten = (): void => undefined;
    const stopped = new Promise<never>((_, reject) => {
      const end = (): void => reject(this.error());
      if (this.stopped) end();
      else unlisten = this.listen(end);
    });
    try {
      return await Promise.race([work, stopped]);
    } finally {
      unlisten();
    }
  }

  /** Calls `body` once when it stops; gives a function that undoes this. */
  listen(body: () => void): () => void {
    const signals = [this.#disposal, ...(this.#signal ? [this.#signal] : [])];
    for (const signal of signals) signal.addEventListener('abort', body);
    return () => {
      for (const signal of signals) signal.removeEventListener('abort', body);
    };
  }
}

/** What is thrown by methods of a network after dispose(), and by those that were under way. */
export function disposedError(where: string): StridenetError {
  return new StridenetError('ERR_DISPOSED', `[${where}] the network was disposed of`);
}

/** The signal, or null for none. Throws ERR_ARGUMENT for what is no AbortSignal. */
export function checkSignal(where: string, signal: unknown): AbortSignal | null {
  if (signal === undefined || signal instanceof AbortSignal) return signal ?? null;
  throw argumentError(where, 'signal to be an AbortSignal', signal);
}
