// Adds the counts of all suites up; the last line is "N passed, N failed".
import { existsSync, readFileSync } from 'node:fs';

const file = process.argv[2];
const suites = existsSync(file)
  ? readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  : [];
let [passed, failed] = [0, 0];
for (const suite of suites) {
  passed += suite.passed;
  failed += suite.failed;
  console.log(
    `${suite.name}: ${suite.skipped ? 'skipped' : `${suite.passed} passed, ${suite.failed} failed`}`,
  );
}
if (passed === 0) failed = Math.max(failed, 1); // nothing ran
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
