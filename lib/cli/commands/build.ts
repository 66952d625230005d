import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../packageRoot.ts';
import { exitCodes, note, print, UsageError } from '../process.ts';

/** What native/build.mjs exports. */
interface Builder {
  defaultJobs(): number;
  estimate(jobs: number): string;
  expectTools(): void;
  buildAddon(options: { jobs: number }): string;
  BuildError: new (message: string) => Error;
}

function jobsOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= 1024) return jobs;
  throw new UsageError(`--jobs takes an integer from 1 to 1024, not ${text}`);
}

/** `stridenet build`: compiles the addon where no prebuilt one fits. Gives the exit code. */
export async function build(given: { readonly jobs?: string }): Promise<number> {
  const file = join(packageRoot(), 'native', 'build.mjs');
  if (!existsSync(file)) {
    note(`${file} is missing: this is not the whole package`);
    return exitCodes.failed;
  }
  const builder = (await import(pathToFileURL(file).href)) as Builder;
  const jobs = jobsOf(given.jobs, builder.defaultJobs());
  try {
    builder.expectTools();
    note(`building the addon (--jobs ${jobs}), ${builder.estimate(jobs)}`);
    const addon = builder.buildAddon({ jobs });
    const code = `console.log(require(${JSON.stringify(addon)}).cpuInfo().isa)`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', code], {
      encoding: 'utf8',
    });
    if (status !== 0) {
      note(`${addon} was built but cannot be loaded:\n${stderr}`);
      return exitCodes.failed;
    }
    print(`built ${addon}, which runs ${stdout.trim()}`);
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof builder.BuildError)) throw error;
    note(error.message);
    return exitCodes.failed;
  }
}
