import { mkdirSync, mkdtempSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..', '..');

/**
 * Bundles a script of test/support with the library, so that processes and workers start quickly.
 * @returns the path of a module in a new folder within this package
 */
export async function bundle(name: string): Promise<string> {
  const parent = join(root, 'build-results');
  mkdirSync(parent, { recursive: true });
  const outfile = join(mkdtempSync(join(parent, 'bundle-')), `${basename(name, '.ts')}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, name)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    // Whole modules are taken, as when the sources are run.
    ignoreAnnotations: true,
    treeShaking: false,
    logLevel: 'warning',
  });
  return outfile;
}
