// The C++ tests: configure, build and run a CMake preset; what cannot run says what to install.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { cmakePresets, hasCommand, jobs, root, run } from './tools.mjs';

/** preset → [command, Debian package] that it needs beyond CMake, Ninja and a compiler. */
const NEEDS = {
  clang: [['clang++', 'clang']],
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

/** Numbers of one ctest run: a test of ctest is a program, a test of GoogleTest a case in it. */
function readCounts(junit, googleTests) {
  const suite = existsSync(junit)
    ? (readFileSync(junit, 'utf8').match(/<testsuite\b[^>]*>/)?.[0] ?? '')
    : '';
  const number = (name) => Number(suite.match(new RegExp(`\\b${name}="(\\d+)"`))?.[1] ?? 0);
  const counts = { passed: 0, failed: 0 };
  for (const name of existsSync(googleTests) ? readdirSync(googleTests) : []) {
    const report = JSON.parse(readFileSync(path.join(googleTests, name), 'utf8'));
    const cases = report.testsuites.flatMap((group) => group.testsuite);
    const failed = cases.filter((test) => test.failures !== undefined).length;
    counts.failed += failed;
    counts.passed += cases.filter((test) => test.result === 'COMPLETED').length - failed;
  }
  // Programs that crashed have left no report.
  const failedPrograms = number('failures') + number('errors');
  return { ...counts, failed: Math.max(counts.failed, failedPrograms) };
}

/** Runs the tests of a preset: { name, passed, failed, skipped }. */
export function testPreset(preset) {
  const name = `native ${preset}`;
  const directory = cmakePresets().get(preset);
  if (directory === undefined) return skip(preset, 'CMakePresets.json has no such preset');
  const missing = missingPackages(preset);
  if (missing.length > 0) return skip(preset, `apt-get install ${missing.join(' ')}`);

  console.log(`\nnative tests (${preset})`);
  const built =
    run('cmake', ['--preset', preset], { stdio: ['ignore', 'ignore', 'inherit'] }) &&
    run('cmake', ['--build', directory, '--parallel', String(jobs), '--', '--quiet']);
  if (!built) return { name, passed: 0, failed: 1, skipped: false };

  const results = path.join(root, 'build-results');
  mkdirSync(results, { recursive: true });
  const junit = path.join(results, `${preset}.xml`);
  const googleTests = path.join(directory, 'test/native/reports');
  rmSync(junit, { force: true });
  rmSync(googleTests, { recursive: true, force: true });
  const passed = run('ctest', [
    ...['--test-dir', directory, '--parallel', String(jobs)],
    ...['--output-on-failure', '--no-tests=error', '--output-junit', junit],
  ]);
  const counts = readCounts(junit, googleTests);
  if (!passed && counts.failed === 0) counts.failed = 1;
  return { name, ...counts, skipped: false };
}
