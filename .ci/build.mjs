// `npm run build`: bundles lib/ into dist/, or the folder that it is given (so that importing is quick), the library and the command
// `stridenet` with what they share in chunks, and writes declarations.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { root, runPackage } from './tools.mjs';

const start = performance.now();
const output = path.resolve(process.argv[2] ?? path.join(root, 'dist'));
rmSync(output, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['lib/index.ts', 'lib/cli/main.ts'],
  outdir: output,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  // Else classes that name themselves are renamed, and messages and console.log show `_Tensor`.
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
});
if (!runPackage('typescript-7/bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', output]))
  process.exit(1);
console.log(
  `${path.relative(root, output)}/ written in ${((performance.now() - start) / 1000).toFixed(1)} s`,
);
