// `npm run prebuild:all [-- TARGET…]`: the addons of the package for every platform, or for those
// named (`host`: this one), into prebuilds/. What cannot be built is named with the reason.
import { hasCommand } from '../tools.mjs';
import { buildTarget } from './build.mjs';
import { hostTarget, targets } from './targets.mjs';
import { findZig, howToGetZig } from './zig.mjs';

function chooseTargets(args) {
  if (args.length === 0) return targets;
  return args.map((name) => {
    const target = targets.find((one) => one.name === (name === 'host' ? hostTarget() : name));
    if (target !== undefined) return target;
    console.error(`no target ${name}; there are ${targets.map((one) => one.name).join(', ')}`);
    return process.exit(1);
  });
}

const chosen = chooseTargets(process.argv.slice(2));
const missing = ['cmake', 'ninja'].filter((command) => !hasCommand(command));
const found = findZig();
if (found === undefined || missing.length > 0) {
  const reason = found === undefined ? howToGetZig : `not on PATH: ${missing.join(', ')}`;
  console.error(`nothing built: ${reason}`);
  process.exit(1);
}
console.log(`Zig ${found.version} (${found.zig})`);
let failed = 0;
for (const target of chosen) {
  const start = performance.now();
  const bytes = buildTarget(target, found.zig);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  if (bytes === undefined) failed += 1;
  const outcome = bytes === undefined ? 'FAILED' : `${(bytes / 2 ** 20).toFixed(2)} MiB`;
  console.log(`${target.name}: ${outcome} (${seconds} s) prebuilds/${target.file}`);
}
process.exitCode = failed > 0 ? 1 : 0;
