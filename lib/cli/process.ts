/** How the command-line programs end. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  interrupted: 130,
  brokenPipe: 141,
} as const;

/** What is wrong with a command line or a configuration. */
export class UsageError extends Error {}

/** Writes a line to standard output. */
export function print(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Writes a line to standard error, for what is no result. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** '12,345'. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** '98.5 %'. */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/**
 * Ends the process when its output cannot be written: without a word when whoever read it has gone,
 * as in `… | head`, and by a line that says why when a disk is full.
 */
export function endOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(exitCodes.brokenPipe);
      if (stream === process.stdout) note(`standard output cannot be written: ${error.message}`);
      process.exit(exitCodes.failed);
    });
  }
}

const showCursor = '\u001b[?25h';

/** A signal that fires at the first Ctrl-C; the second one ends the process at once. */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  process.on('SIGINT', () => {
    if (!controller.signal.aborted) {
      controller.abort();
      return;
    }
    // A progress bar has hidden it.
    if (process.stdout.isTTY) process.stdout.write(showCursor);
    process.exit(exitCodes.interrupted);
  });
  return controller.signal;
}
