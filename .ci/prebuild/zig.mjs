// Finds Zig, whose Clang builds for every platform from any.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { root } from '../tools.mjs';

const onWindows = process.platform === 'win32';
const folder = 'build-tools/zig';
const ownPython = path.join(root, folder, onWindows ? 'Scripts/python.exe' : 'bin/python');

export const howToGetZig = [
  'no Zig, which compiles for every platform. In the clone, by Python 3:',
  `python3 -m venv ${folder} && ${folder}/bin/pip install -r .ci/prebuild/requirements.txt`,
  'Or set STRIDENET_ZIG to the program zig, or have it on PATH.',
].join('\n  ');

function output(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** The program within the Python package `ziglang`, when this interpreter has it. */
function zigOfPython(python) {
  const file = output(python, ['-c', 'import ziglang; print(ziglang.__file__)']);
  return file && path.join(path.dirname(file), onWindows ? 'zig.exe' : 'zig');
}

/**
 * { zig, version } of STRIDENET_ZIG; without it of the clone's build-tools/zig, of python3's
 * package ziglang, or of PATH. Undefined when there is none.
 */
export function findZig() {
  const chosen = process.env.STRIDENET_ZIG;
  const candidates = chosen
    ? [() => chosen]
    : [() => zigOfPython(ownPython), () => zigOfPython('python3'), () => 'zig'];
  for (const candidate of candidates) {
    const zig = candidate();
    const version = zig && output(zig, ['version']);
    if (version) return { zig, version };
  }
  return undefined;
}
