// Enforces the arrows of docs/architecture.md: which room may import which.
// A room is a folder of lib/ or native/, or a file directly in lib/ (without its ending).
// A file may import its own room, every room on an earlier line, and what `also` grants.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const LIB = [
  [
    'errors',
    'shape',
    'tensor',
    'random',
    'spelling',
    'nearest',
    'nesting',
    'version',
    'packageRoot',
  ],
  ['ops', 'data', 'initializers', 'schedules', 'randomTensor'],
  ['reference', 'tree'],
  ['graph'],
  ['compiler'],
  ['backends'],
  ['dispatch'],
  ['transforms', 'computation', 'cpu', 'sizes'],
  ['layers', 'losses', 'optimizers', 'metrics', 'augmentations'],
  ['train', 'models'],
  ['check', 'memory'],
  ['index'],
  ['cli'],
];
const NATIVE = [['core'], ['kernels'], ['cpu'], ['ops'], ['runtime'], ['addon']];

// Grants within one line, from the left to the right name.
const ALSO = {
  errors: ['spelling'],
  shape: ['errors'],
  tensor: ['errors', 'shape'],
  random: ['errors'],
  nearest: ['errors', 'spelling'],
  spelling: [],
  version: [],
  packageRoot: [],
  layers: ['optimizers'],
  models: ['train'],
};
// The npm packages a room of lib/ may import; node: modules are open to all.
const PACKAGES = {
  backends: ['node-gyp-build'],
  data: ['sharp', 'yauzl', 'yazl'],
  train: ['cli-progress'],
  cli: ['commander'],
};
// Headers that only the addon sees.
const NODE_HEADERS = /^(napi|napi-inl|node_api|js_native_api|node|v8|uv)\.h$/;

const LINE_BUDGET = 400;
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

function files(directory, pattern) {
  return readdirSync(path.join(root, directory), { withFileTypes: true })
    .flatMap((entry) => {
      const file = path.posix.join(directory, entry.name);
      if (entry.isDirectory()) return files(file, pattern);
      return pattern.test(entry.name) ? [file] : [];
    })
    .sort();
}

/** 'lib/graph/node.ts' → 'graph', 'lib/tensor.ts' → 'tensor'. */
function room(file) {
  return file.split('/')[1].replace(/\.(ts|h|cpp)$/, '');
}

function level(rooms, name) {
  return rooms.findIndex((line) => line.includes(name));
}

function verdict(rooms, from, to) {
  if (from === to || ALSO[from]?.includes(to)) return undefined;
  if (level(rooms, from) < 0) return `${from} is not in the table of .ci/check-directions.mjs`;
  if (level(rooms, to) < 0) return `${to} is not in the table of .ci/check-directions.mjs`;
  if (level(rooms, to) < level(rooms, from)) return undefined;
  return `${from} must not import ${to}`;
}

function* matches(file, pattern) {
  const text = readFileSync(path.join(root, file), 'utf8');
  for (const match of text.matchAll(pattern)) {
    const line = text.slice(0, match.index + match[0].length).split('\n').length;
    yield { line, target: match[1] ?? match[2] };
  }
}

function checkLib(report) {
  const imports =
    /(?:^|\n)(?:import|export)\s[^;'"()=]*?\bfrom\s*['"]([^'"\n]+)['"]|\bimport\s*\(?\s*['"]([^'"\n]+)['"]/g;
  for (const file of files('lib', /\.ts$/)) {
    for (const { line, target } of matches(file, imports)) {
      const from = room(file);
      if (target.startsWith('node:')) continue;
      if (!target.startsWith('.')) {
        const name = target
          .split('/')
          .slice(0, target.startsWith('@') ? 2 : 1)
          .join('/');
        if (!PACKAGES[from]?.includes(name))
          report(file, line, `${from} must not import package ${name}`);
        continue;
      }
      const resolved = path.posix.join(path.posix.dirname(file), target);
      if (!target.endsWith('.ts'))
        report(file, line, `relative import '${target}' must end in .ts`);
      if (!resolved.startsWith('lib/')) {
        if (resolved !== 'package.json') report(file, line, `import leaves lib/: ${target}`);
        continue;
      }
      const problem = verdict(LIB, from, room(resolved));
      if (problem) report(file, line, problem);
    }
  }
}

function checkNative(report) {
  for (const file of files('native', /\.(h|cpp|inc)$/)) {
    const from = room(file);
    for (const { line, target } of matches(
      file,
      /(?:^|\n)[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)/g,
    )) {
      if (NODE_HEADERS.test(target) && from !== 'addon') {
        report(file, line, `only native/addon includes ${target}`);
      }
      const to = target.split('/')[0];
      if (!target.includes('/') || level(NATIVE, to) < 0) continue;
      const problem = verdict(NATIVE, from, to);
      if (problem) report(file, line, problem);
    }
  }
}

function listLongFiles() {
  const long = ['lib', 'native', 'test', 'bench', 'docs']
    .filter((directory) => statSync(path.join(root, directory), { throwIfNoEntry: false }))
    .flatMap((directory) => files(directory, /\.(ts|mjs|h|cpp|py)$/))
    .filter((file) => !file.includes('node_modules'))
    .map((file) => [file, readFileSync(path.join(root, file), 'utf8').split('\n').length - 1])
    .filter(([, lines]) => lines > LINE_BUDGET);
  for (const [file, lines] of long)
    console.log(`advice: ${file} has ${lines} lines (budget ${LINE_BUDGET})`);
}

let violations = 0;
const report = (file, line, message) => {
  violations += 1;
  console.log(`${file}:${line}: ${message}`);
};
checkLib(report);
checkNative(report);
listLongFiles();
console.log(violations === 0 ? 'directions: in order' : `directions: ${violations} violations`);
process.exitCode = violations === 0 ? 0 : 1;
