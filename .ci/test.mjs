// `npm test`: vitest, then the C++ tests natively and for arm64. Arguments select vitest's files
// and leave the C++ tests out. --cases=N tries N times as many random cases. --native-only and --preset=NAME run C++ tests alone.
// With STRIDENET_TEST_SUMMARY=FILE the counts are appended to FILE, one JSON line a suite.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { testPreset } from './native-tests.mjs';
import { root, runPackage } from './tools.mjs';

const args = process.argv.slice(2);
const preset = args.find((arg) => arg.startsWith('--preset='))?.slice('--preset='.length);
const nativeOnly = args.includes('--native-only') || preset !== undefined;
const cases = args.find((arg) => arg.startsWith('--cases='))?.slice('--cases='.length);
if (cases !== undefined) process.env.STRIDENET_CASES = cases;
const forVitest = args.filter((arg) => arg !== '--native-only' && !/^--(preset|cases)=/.test(arg));

function runVitest() {
  const report = path.join(root, 'build-results', 'vitest.json');
  mkdirSync(path.dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const passed = runPackage('vitest/vitest.mjs', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...forVitest,
  ]);
  const result = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {};
  // A file that cannot be loaded fails without a failed test of its own.
  const broken = (result.testResults ?? []).filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((t) => t.status === 'failed'),
  ).length;
  const failed = (result.numFailedTests ?? 0) + broken;
  return {
    name: 'vitest',
    passed: result.numPassedTests ?? 0,
    failed: !passed && failed === 0 ? 1 : failed,
    skipped: false,
  };
}

const suites = [];
if (!nativeOnly) suites.push(runVitest());
if (nativeOnly || forVitest.length === 0) {
  for (const name of preset === undefined ? ['release', 'arm64'] : [preset]) {
    suites.push(testPreset(name));
  }
}

console.log('');
for (const suite of suites) {
  const { name, passed, failed, skipped } = suite;
  console.log(`${name}: ${skipped ? 'skipped' : `${passed} passed, ${failed} failed`}`);
  const summary = process.env.STRIDENET_TEST_SUMMARY;
  if (summary) appendFileSync(summary, `${JSON.stringify(suite)}\n`);
}
process.exitCode = suites.some((suite) => suite.failed > 0) ? 1 : 0;
