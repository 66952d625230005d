// Makes a clone ready to run: installs the npm packages and builds the addon, each only when it is
// missing or out of date. Plain JavaScript without dependencies, since it runs before `npm ci`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BuildError,
  buildAddon,
  builtAddon,
  defaultJobs,
  estimate,
  expectTools,
} from './build.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const stampFile = path.join(root, 'build', 'Release', 'stridenet.stamp.json');
const lockDirectory = path.join(root, 'build-setup.lock');
const windows = process.platform === 'win32';

function fail(message) {
  console.error(`\nstridenet setup: ${message}`);
  process.exit(1);
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/** Holds a lock while `body` runs, so that two commands started together do not build at once. */
function locked(body) {
  const owner = path.join(lockDirectory, 'pid');
  for (let round = 0; ; round += 1) {
    try {
      mkdirSync(lockDirectory);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const pid = Number(existsSync(owner) ? readFileSync(owner, 'utf8') : 0);
      // Whoever holds the lock writes its id at once; a lock without one was left by a crash.
      const stale = pid > 0 ? !isAlive(pid) : round > 25;
      if (stale) rmSync(lockDirectory, { recursive: true, force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  const release = () => rmSync(lockDirectory, { recursive: true, force: true });
  process.once('exit', release);
  writeFileSync(owner, String(process.pid));
  body();
  process.off('exit', release);
  release();
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Whether node_modules holds what package-lock.json says (other platforms' packages aside). */
function packagesAreInstalled() {
  const wanted = readJson(path.join(root, 'package-lock.json'))?.packages;
  if (wanted === undefined) fail('package-lock.json is missing or not readable.');
  const present = readJson(path.join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (present === undefined) return false;
  return Object.entries(wanted).every(([name, entry]) => {
    if (name === '') return true;
    const found = present[name];
    return found === undefined ? entry.optional === true : found.version === entry.version;
  });
}

function installPackages() {
  if (packagesAreInstalled()) return;
  console.log('stridenet setup: installing npm packages (npm ci)');
  const start = performance.now();
  const npm = process.env.npm_execpath;
  const options = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] };
  const result =
    npm === undefined
      ? spawnSync('npm', ['ci'], { ...options, shell: windows })
      : spawnSync(process.execPath, [npm, 'ci'], options);
  if (result.status !== 0) fail('npm ci failed.');
  console.log(`stridenet setup: packages installed in ${seconds(start)}`);
}

function nativeFiles(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) return nativeFiles(file);
    return /\.(cpp|h|inc|json)$/.test(entry.name) ? [file] : [];
  });
}

function digest(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    hash
      .update(`${path.relative(root, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}

/** What the addon is made of: `configuration` decides the makefile, `sources` the objects. */
function buildStamp() {
  const gyp = path.join(root, 'binding.gyp');
  if (!existsSync(gyp)) fail('binding.gyp is missing: this is not a whole clone.');
  const native = path.join(root, 'native');
  const lists = [gyp, ...['addon.gypi', 'sources.json'].map((file) => path.join(native, file))];
  const environment = ['CC', 'CXX', 'CFLAGS', 'CXXFLAGS', 'LDFLAGS'].map(
    (name) => process.env[name],
  );
  const addonApi = readJson(path.join(root, 'node_modules/node-addon-api/package.json'))?.version;
  return {
    target: `${process.platform}-${process.arch}`,
    configuration: `${digest(lists)} ${JSON.stringify([environment, addonApi, process.execPath])}`,
    sources: digest(nativeFiles(native).sort()),
  };
}

function buildWhenStale() {
  const stamp = buildStamp();
  const built = builtAddon() === undefined ? undefined : readJson(stampFile);
  const configured =
    built?.configuration === stamp.configuration &&
    built?.target === stamp.target &&
    existsSync(path.join(root, 'build', 'Makefile'));
  if (configured && built.sources === stamp.sources) return;

  const jobs = defaultJobs();
  const start = performance.now();
  try {
    expectTools();
    const long = configured ? '' : `, ${estimate(jobs)}`;
    console.log(
      `stridenet setup: building the addon (${jobs} ${jobs === 1 ? 'job' : 'jobs'})${long}`,
    );
    buildAddon({ jobs, configured });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    fail(error.message);
  }
  writeFileSync(stampFile, `${JSON.stringify(stamp)}\n`);
  console.log(`stridenet setup: addon built in ${seconds(start)}`);
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node ${process.versions.node} is too old; 20.19 or newer is needed.`);
}
locked(() => {
  installPackages();
  buildWhenStale();
});
