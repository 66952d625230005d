import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The root of the repository. */
export const root = join(import.meta.dirname, '../..');

/** What a script of docs/examples prints, run with these arguments and more in its environment. */
export async function example(
  name: string,
  settings: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const file = join(root, 'docs/examples', name);
  const options = { cwd: root, env: { ...process.env, ...env } };
  const run = promisify(execFile);
  return (await run(process.execPath, ['--import', 'tsx', file, ...settings], options)).stdout;
}
