import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import { models, zeros } from '../lib/index.ts';
import { request, training } from './support/addonRuns.ts';

const native = tryAddon() !== null;
const linux = process.platform === 'linux';
if (!native) console.log('skipped: priorities of threads, no addon is built');
else if (!linux) console.log('skipped: priorities of threads, which only Linux has');

/** The niceness of this process's threads, by name. */
function niceness(): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  for (const task of readdirSync('/proc/self/task')) {
    const stat = readFileSync(`/proc/self/task/${task}/stat`, 'utf8');
    const [, name, rest] = /\((.*)\) (.*)/.exec(stat) as unknown as [string, string, string];
    // The 19th field of all, as proc(5) counts.
    const nice = Number(rest.split(' ')[16]);
    found.set(name, (found.get(name) ?? new Set()).add(nice));
  }
  return found;
}

it.skipIf(!native || !linux)(
  'runs have a lower priority than the process, predictions of one step its own',
  async () => {
    const program = training();
    await program.run(request(1));
    const own = getPriority();
    const lower = new Set([Math.min(19, own + 10)]);
    expect(niceness().get('stridenet run')).toEqual(lower);
    expect(niceness().get('stridenet serve')).toBeUndefined();
    program.dispose();
    const net = models.lenet5({ seed: 1 });
    await net.predict(zeros([16, 1, 28, 28]));
    net.dispose();
    expect(niceness().get('stridenet serve')).toEqual(new Set([own]));
  },
);
