// The C++ tests: configure, build and run a CMake preset; what cannot run says what to install.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { cmakePresets, hasCommand, jobs, root, run } from './tools.mjs';

/** preset → [command, Debian package] that it needs beyond CMake, Ninja and a compiler. */
const NEEDS = {
  arm64: [
    ['aarch64-linux-gnu-g++', 'g++-aarch64-linux-gnu'],
    ['qemu-aarch64', 'qemu-user'],
  ],
};
const ALWAYS = [
  ['cmake', 'cmake'],
  ['ninja', 'ninja-build'],
];

const GOOGLETEST = '/usr/src/googletest/CMakeLists.txt';

function missingPackages(preset) {
  const commands = [...ALWAYS, ...(NEEDS[preset] ?? [])]
    .filter(([command]) => !hasCommand(command))
    .map(([, debianPackage]) => debianPackage);
  return existsSync(GOOGLETEST) ? commands : [...commands, 'googletest'];
}

function skip(preset, why) {
  console.log(`skipped: native tests (${preset}): ${why}`);
  return { name: `native ${preset}`, passed: 0, failed: 0, skipped: true };
}

/** Numbers of one ctest run out of its JUnit file. */
function readCounts(file) {
  const suite = readFileSync(file, 'utf8').match(/<testsuite\b[^>]*>/)?.[0] ?? '';
  const number = (name) => Number(suite.match(new RegExp(`\\b${name}="(\\d+)"`))?.[1] ?? 0);
  const failed = number('failures') + number('errors');
  return { passed: number('tests') - failed - number('disabled') - number('skipped'), failed };
}

/** Runs the tests of a preset: { name, passed, failed, skipped }. */
export function testPreset(preset) {
  const name = `native ${preset}`;
  const directory = cmakePresets().get(preset);
  if (directory === undefined) return skip(preset, 'CMakePresets.json has no such preset');
  const missing = missingPackages(preset);
  if (missing.length > 0) return skip(preset, `apt-get install ${missing.join(' ')}`);

  console.log(`\nnative tests (${preset})`);
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };
  const built =
    run('cmake', ['--preset', preset], quiet) &&
    run('cmake', ['--build', directory, '--parallel', String(jobs)]);
  if (!built) return { name, passed: 0, failed: 1, skipped: false };

  const results = path.join(root, 'build-results');
  mkdirSync(results, { recursive: true });
  const report = path.join(results, `${preset}.xml`);
  rmSync(report, { force: true });
  const args = ['--test-dir', directory, '--output-on-failure', '--no-tests=error'];
  const passed = run('ctest', [
    ...args,
    '--progress',
    '-j',
    String(jobs),
    '--output-junit',
    report,
  ]);
  const counts = readCounts(report);
  if (!passed && counts.failed === 0) counts.failed = 1;
  return { name, ...counts, skipped: false };
}
