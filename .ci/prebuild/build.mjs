// Builds the addon for one target of targets.mjs with CMake and Zig, in build/prebuild/<target>.
import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { jobs, root, run } from '../tools.mjs';
import { makeNodeLibrary } from './node-library.mjs';

export const prebuilds = path.join(root, 'prebuilds');

const headers = path.join(root, 'node_modules/node-api-headers/include');

function configure(target, zig, directory) {
  const values = {
    CMAKE_TOOLCHAIN_FILE: path.join(root, 'native/cmake/zig.cmake'),
    CMAKE_BUILD_TYPE: 'Release',
    STRIDENET_ZIG: zig,
    STRIDENET_ZIG_TARGET: target.zig,
    STRIDENET_SYSTEM: target.system,
    STRIDENET_TESTS: 'OFF',
    STRIDENET_NODE_HEADERS: headers,
  };
  if (target.system === 'Windows') values.STRIDENET_NODE_LIBRARY = makeNodeLibrary(zig, directory);
  const options = Object.entries(values).map(([name, value]) => `-D${name}=${value}`);
  return run('cmake', ['-S', root, '-B', directory, '-G', 'Ninja', ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Builds into prebuilds/<target.file>; returns the file's bytes, or undefined when it failed. */
export function buildTarget(target, zig) {
  const directory = path.join(root, 'build/prebuild', target.name);
  const parallel = process.env.CMAKE_BUILD_PARALLEL_LEVEL ?? String(jobs);
  const built =
    configure(target, zig, directory) &&
    run('cmake', ['--build', directory, '--parallel', parallel, '--', '--quiet']);
  if (!built) return undefined;
  const file = path.join(prebuilds, target.file);
  mkdirSync(path.dirname(file), { recursive: true });
  copyFileSync(path.join(directory, 'stridenet.node'), file);
  return statSync(file).size;
}
