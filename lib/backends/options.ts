import type { PassOptions } from '../compiler/compile.ts';
import { argumentError, checkBoolean, checkOptions } from '../errors.ts';
import { checkInteger } from '../shape.ts';
import { tryAddon } from './addon.ts';
import type { BackendName, PrepareOptions } from './backend.ts';
import { backendOf } from './index.ts';

/** How a function or a graph is run. */
export interface RunOptions extends Omit<PrepareOptions, 'profile'> {
  /** Default: that of `setDefaultBackend`, at first 'native'. */
  backend?: BackendName;
}

const runOptions: Readonly<Record<keyof RunOptions, true>> = {
  backend: true,
  threads: true,
  isa: true,
  passes: true,
};

/** The names of the options of a run. */
export const runOptionNames: readonly string[] = Object.keys(runOptions);

const passes: Readonly<Record<keyof PassOptions, true>> = {
  fuse: true,
  fold: true,
  deadCode: true,
  hoist: true,
  recompute: true,
  layout: true,
  reuse: true,
  winograd: true,
};

function checkIsa(where: string, isa: unknown): void {
  const known = tryAddon()?.addon.cpuInfo().isas;
  if (typeof isa === 'string' && (known === undefined || known.includes(isa))) return;
  const names = known === undefined ? '' : ` (this CPU has ${known.join(', ')})`;
  throw argumentError(where, `isa to be the name of an instruction set${names}`, isa);
}

function checkPasses(where: string, given: unknown): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw argumentError(where, 'passes to be an object of passes', given);
  }
  checkOptions(`${where}, passes`, given, Object.keys(passes));
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) checkBoolean(where, `passes.${name}`, value);
  }
}

/**
 * Throws ERR_ARGUMENT that names `where` for an option of a run that is none; what else is in
 * `options` is not looked at.
 */
export function checkRunOptions(where: string, options: RunOptions): void {
  const { backend, threads, isa, passes: given } = options;
  if (backend !== undefined) backendOf(backend, where);
  if (threads !== undefined) checkInteger(where, 'threads', threads, 1, 1024);
  if (isa !== undefined) checkIsa(where, isa);
  if (given !== undefined) checkPasses(where, given);
}
