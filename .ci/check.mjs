// `npm run check`: linter and formatter of both languages, types, documentation of what is public,
// dependency directions.
// `npm run format` (--fix) writes what the formatters would change.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { documentApi } from './docs/api.mjs';
import { clangFormat, filesBelow, root, run, runPackage } from './tools.mjs';

const fix = process.argv.includes('--fix');

function checkCpp() {
  const sources = [
    ...filesBelow('native', /\.(h|cpp)$/),
    ...filesBelow('test/native', /\.(h|cpp)$/),
    ...filesBelow('bench', /\.(h|cpp)$/),
  ];
  if (sources.length === 0) return true;
  const tool = clangFormat();
  if (tool === undefined) {
    const inCi = process.env.CI === 'true';
    const what = inCi ? 'not checked' : 'skipped';
    console.log(`${what}: clang-format is missing (npm ci, or apt-get install clang-format)`);
    return !inCi;
  }
  if (fix) return run(tool, ['-i', ...sources]);
  const arguments_ = ['--dry-run', '-Werror', ...sources];
  const result = spawnSync(tool, arguments_, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status === 0) return true;
  // clang-format names every place; the first of a file is enough, since `npm run format` mends it.
  const seen = new Set();
  for (const line of result.stderr.split('\n')) {
    const file = line.match(/^(.+?):\d+:\d+: /)?.[1];
    if (file === undefined || seen.has(file)) continue;
    seen.add(file);
    console.log(line);
  }
  if (seen.size === 0) console.log(result.stderr || result.error?.message);
  return false;
}

const steps = [
  [
    'biome',
    () =>
      runPackage('@biomejs/biome/bin/biome', [
        'check',
        '--error-on-warnings',
        ...(fix ? ['--write'] : []),
        '.',
      ]),
  ],
  ['clang-format', checkCpp],
  ...(fix
    ? []
    : [
        ['types', () => runPackage('typescript-7/bin/tsc', ['--noEmit', '-p', 'tsconfig.json'])],
        ['api documentation', () => documentApi(['--emit', 'none'])],
        ['directions', () => run(process.execPath, [path.join(root, '.ci/check-directions.mjs')])],
      ]),
];

const failed = [];
for (const [name, step] of steps) {
  const start = performance.now();
  const passed = step();
  if (!passed) failed.push(name);
  console.log(
    `${name}: ${passed ? 'ok' : 'FAILED'} (${((performance.now() - start) / 1000).toFixed(1)} s)`,
  );
}
if (failed.length > 0) {
  console.log(`check failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
