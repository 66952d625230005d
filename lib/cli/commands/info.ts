import { createRequire } from 'node:module';
import { loadAddon } from '../../backends/addon.ts';
import * as sn from '../../index.ts';
import { version } from '../../version.ts';
import { exitCodes, print } from '../process.ts';
import { type Command, table } from './common.ts';

/** Whether an optional package is there. */
function installed(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** Why there is no addon, and the cure; null where there is one. */
function addonError(): string | null {
  try {
    loadAddon();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** `stridenet info`: version, CPU, instruction set, threads, addon. */
export const info: Command = async ({ json }) => {
  const { isa, isas, features, threads, addon } = sn.cpuInfo();
  const { node, modules } = process.versions;
  const packages = { sharp: installed('sharp'), '@viz-js/viz': installed('@viz-js/viz') };
  const found = {
    ...{ version, node, modules, platform: `${process.platform}-${process.arch}` },
    ...{ isa, isas, features, threads, addon, addonError: addonError(), packages },
  };
  if (json) {
    print(JSON.stringify(found, null, 2));
    return exitCodes.done;
  }
  const has = (there: boolean): string => (there ? 'installed' : 'not installed');
  const rows = [
    ['stridenet', version],
    ['Node', `${node}, ${found.platform}`],
    ['instruction set', isa ?? 'none: no addon was loaded, only the reference backend runs'],
    ['of', isas.join(', ')],
    ['CPU features', features.join(', ')],
    ['threads', String(threads)],
    ['addon', addon ?? 'none'],
    ['sharp (images)', has(packages.sharp)],
    ['@viz-js/viz (SVG)', has(packages['@viz-js/viz'])],
  ];
  print(table(rows));
  if (found.addonError !== null) print(`\n${found.addonError}`);
  return exitCodes.done;
};
