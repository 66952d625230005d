import { CommanderError } from 'commander';
import { StridenetError } from '../errors.ts';
import { exitCodes, note, UsageError } from './process.ts';
import { isHelp, makeProgram } from './program.ts';

/** Says what went wrong, without a stack unless it is asked for; gives the exit code. */
function report(error: unknown, args: readonly string[]): number {
  if (error instanceof CommanderError) {
    if (isHelp(error)) return exitCodes.done;
    // Without a command commander has shown the help.
    if (error.code !== 'commander.help') {
      note(error.message.replace(/^error: /, '').replaceAll('\n', ' '));
    }
    return exitCodes.usage;
  }
  const known =
    error instanceof StridenetError ||
    error instanceof UsageError ||
    (error instanceof Error && 'syscall' in error);
  if (!known || args.includes('--debug')) {
    note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } else {
    note((error as Error).message);
  }
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
}

/** Runs `stridenet` with these arguments; gives the exit code and never throws. */
export async function run(args: readonly string[]): Promise<number> {
  let code: number = exitCodes.done;
  const program = makeProgram((given) => {
    code = given;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    return report(error, args);
  }
}
