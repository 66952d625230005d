import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutation, occurrences } from './mutation.ts';
import { mutations } from './mutations.ts';

const usage = `npm run test:mutation -- [--only TEXT]... [--write]
  Puts one fault after the other into a copy of the sources, builds it and runs the quick suite.
  --only TEXT   the mutations whose fault or file has this text, or that of another --only
  --write       put what was tried into the table of docs/numerics.md`;

/** The tests that must notice: every case of every operator, values and gradients, fused and not. */
const quickSuite = [
  'test/operators.test.ts',
  'test/gradients.test.ts',
  'test/random-shapes.test.ts',
  'test/fused-epilogues.test.ts',
  'test/fused-normalization.test.ts',
  'test/fused-pools.test.ts',
  'test/inference.test.ts',
  'test/winograd.test.ts',
];

/** A run of tests that hangs has noticed too; builds are to end, also on a busy machine. */
const timeLimits = { tests: 10 * 60_000, build: 60 * 60_000 };

const root = path.resolve(import.meta.dirname, '../..');
const workspace = path.join(root, 'build', 'mutation');

function run(command: string, args: readonly string[], timeout: number): SpawnSyncReturns<string> {
  return spawnSync(command, args, {
    cwd: workspace,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout,
    env: { ...process.env, NO_COLOR: '1', CI: '1' },
  });
}

/** A copy of the tracked files, with the packages of this clone. */
function prepareWorkspace(): void {
  mkdirSync(workspace, { recursive: true });
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (listed.status !== 0) throw new Error(`git ls-files: ${listed.stderr}`);
  for (const file of listed.stdout.split('\n').filter((name) => name !== '')) {
    const [from, to] = [path.join(root, file), path.join(workspace, file)];
    if (!existsSync(from)) continue;
    const same = existsSync(to) && readFileSync(from).equals(readFileSync(to));
    if (!same) cpSync(from, to, { recursive: true });
  }
  const packages = path.join(workspace, 'node_modules');
  if (!existsSync(packages)) symlinkSync(path.join(root, 'node_modules'), packages);
}

function build(): void {
  const { status, stdout, stderr } = run(process.execPath, ['native/setup.mjs'], timeLimits.build);
  if (status !== 0) throw new Error(`does not build:\n${stdout}\n${stderr}`);
}

/** The first test that failed, or null when all passed. */
function firstFailure(titles?: string): string | null {
  const filter = titles === undefined ? [] : ['-t', titles];
  const vitest = ['--no-install', 'vitest', 'run', '--bail=1', '--reporter=verbose', ...filter];
  const { status, stdout, signal } = run('npx', [...vitest, ...quickSuite], timeLimits.tests);
  if (status === 0) return null;
  if (signal !== null || status === null) return 'the run ended by a signal or took too long';
  const line =
    stdout.split('\n').find((text) => /^\s*(×|✗|FAIL)\s/.test(text)) ?? 'the run broke off';
  return line
    .replace(/^\s*(×|✗|FAIL)\s+(\|?\s*all\s*\|?\s*)?/, '')
    .replace(/\s+\d+ms$/, '')
    .trim();
}

interface Outcome {
  readonly mutation: Mutation;
  readonly caughtBy: string | null;
  readonly seconds: number;
}

function tryOne(mutation: Mutation): Outcome {
  const file = path.join(workspace, 'native', mutation.file);
  const source = readFileSync(file, 'utf8');
  if (occurrences(source, mutation.find) !== 1) {
    throw new Error(`${mutation.file} must hold exactly once: ${mutation.find}`);
  }
  const start = performance.now();
  try {
    writeFileSync(
      file,
      source.replace(mutation.find, () => mutation.replace),
    );
    build();
    const caughtBy = firstFailure(mutation.tests) ?? firstFailure();
    return { mutation, caughtBy, seconds: (performance.now() - start) / 1000 };
  } finally {
    writeFileSync(file, source);
  }
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function rowOf({ mutation: { fault, file }, caughtBy }: Outcome): string {
  return `| ${cell(fault)} | ${file} | ${caughtBy === null ? '**survived**' : cell(caughtBy)} |`;
}

/** Rows of the list's faults in its order: those of `outcomes`, and `known` ones of the others. */
function tableOf(outcomes: readonly Outcome[], known: readonly string[] = []): string {
  const rows = mutations.flatMap(({ fault }) => {
    const tried = outcomes.find(({ mutation }) => mutation.fault === fault);
    if (tried !== undefined) return [rowOf(tried)];
    return known.filter((row) => row.startsWith(`| ${cell(fault)} | `));
  });
  return ['| fault | native/ | first test that fails |', '|---|---|---|', ...rows].join('\n');
}

/** Puts the outcomes into the table between the marks of docs/numerics.md. */
function writeTable(outcomes: readonly Outcome[]): void {
  const file = path.join(root, 'docs', 'numerics.md');
  const text = readFileSync(file, 'utf8');
  const marks = /(?<=<!-- mutations -->\n)[\s\S]*(?=\n<!-- \/mutations -->)/;
  const [before] = marks.exec(text) ?? [];
  if (before === undefined) throw new Error('docs/numerics.md has no place for the table');
  const table = tableOf(outcomes, before.split('\n'));
  writeFileSync(
    file,
    text.replace(marks, () => table),
  );
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [''] },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
prepareWorkspace();
build();
const before = firstFailure();
if (before !== null) throw new Error(`the suite fails without any fault: ${before}`);
const chosen = mutations.filter(({ fault, file }) =>
  values.only.some((text) => fault.includes(text) || file.includes(text)),
);
const outcomes: Outcome[] = [];
for (const mutation of chosen) {
  const outcome = tryOne(mutation);
  outcomes.push(outcome);
  if (values.write) writeTable(outcomes);
  const verdict = outcome.caughtBy === null ? 'SURVIVED' : 'caught';
  console.error(
    `${outcomes.length}/${chosen.length} ${verdict} ${mutation.fault} (${outcome.seconds.toFixed(0)} s)`,
  );
}
build();
const caught = outcomes.filter(({ caughtBy }) => caughtBy !== null).length;
console.log(tableOf(outcomes));
console.log(`\n${caught} of ${outcomes.length} caught`);
process.exitCode = outcomes.length - caught > 1 ? 1 : 0;
