// `npm run release:check`: whether what lies here may be published. It packs the tarball into
// build-release/, with its bill of materials beside it, and says of each thing that is wrong what to do.
// --update rewrites .ci/release/files.txt by the tarball; --root=FOLDER checks another folder.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { contentProblems, updatedList } from './contents.mjs';
import {
  licenseProblems,
  runtimeLock,
  runtimeManifest,
  runtimePackages,
  sbomProblems,
} from './dependencies.mjs';
import { versionProblems } from './version.mjs';

const argument = (name) =>
  process.argv.find((each) => each.startsWith(`--${name}=`))?.split('=')[1];
const root = path.resolve(argument('root') ?? path.join(import.meta.dirname, '..', '..'));
const output = path.join(root, 'build-release');
const listFile = path.join(root, '.ci/release/files.txt');
const read = (file) => readFileSync(path.join(root, file), 'utf8');

function runIn(cwd, command, ...args) {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  });
}

const run = (command, ...args) => runIn(root, command, ...args);

function treeProblems() {
  const changed = run('git', 'status', '--porcelain').trimEnd();
  if (changed === '') return [];
  return [`the work tree has changes: commit them, or git stash -u\n${changed}`];
}

function pack() {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output);
  const [packed] = JSON.parse(run('npm', 'pack', '--json', '--pack-destination', output));
  return packed;
}

// npm's own --omit dev also omits what tools need besides the package: it is given no tools to omit.
function sbomOf(packed, manifest, lock) {
  const folder = path.join(output, 'runtime');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(runtimeManifest(manifest)));
  writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify(runtimeLock(lock)));
  const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'];
  const text = runIn(folder, 'npm', ...args);
  rmSync(folder, { recursive: true });
  const file = path.join(output, packed.filename.replace(/\.tgz$/, '.cdx.json'));
  writeFileSync(file, text);
  return sbomProblems(JSON.parse(text), lock);
}

const manifest = JSON.parse(read('package.json'));
const lock = JSON.parse(read('package-lock.json'));
const packed = pack();
if (process.argv.includes('--update')) {
  mkdirSync(path.dirname(listFile), { recursive: true });
  const old = existsSync(listFile) ? readFileSync(listFile, 'utf8') : '';
  writeFileSync(listFile, updatedList(packed.files, old));
  console.log(`${path.relative(root, listFile)} is written: look at git diff`);
}
const tags = run('git', 'tag', '--list').split('\n').filter(Boolean);
const checks = [
  ['work tree', treeProblems()],
  ['version', versionProblems(manifest.version, read('CHANGELOG.md'), tags)],
  [
    'contents',
    contentProblems(packed.files, existsSync(listFile) ? readFileSync(listFile, 'utf8') : ''),
  ],
  ['licences', licenseProblems(lock)],
  ['bill of materials', sbomOf(packed, manifest, lock)],
];
for (const [name, problems] of checks) {
  console.log(`${name}: ${problems.length === 0 ? 'ok' : 'FAILED'}`);
  for (const problem of problems) console.log(`  ${problem.replaceAll('\n', '\n    ')}`);
}
const { filename, size, unpackedSize, entryCount } = packed;
const packages = runtimePackages(lock).length;
console.log(
  `build-release/${filename}: ${entryCount} files, ${size} bytes, unpacked ${unpackedSize}; ${packages} packages come with it`,
);
process.exitCode = checks.every(([, problems]) => problems.length === 0) ? 0 : 1;
