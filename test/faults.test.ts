import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import { models, type Network, optimizers, type Samples, setThreads, zeros } from '../lib/index.ts';
import { machineThreads, testThreads } from './support/threads.ts';

const possible = tryAddon() !== null && process.platform === 'linux' && machineThreads > 1;
if (!possible)
  console.log('skipped: page faults of steps: they need the addon, Linux and two CPUs');

/** Page faults so far of the threads of that name, and how many there are. */
function faultsOf(name: string): { threads: number; faults: number } {
  let [threads, faults] = [0, 0];
  for (const thread of readdirSync('/proc/self/task')) {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
    // "id (name) state …": the name may hold spaces; minor and major faults are fields 10 and 12.
    const end = stat.lastIndexOf(')');
    if (stat.slice(stat.indexOf('(') + 1, end) !== name) continue;
    const fields = stat.slice(end + 2).split(' ');
    threads++;
    faults += Number(fields[7]) + Number(fields[9]);
  }
  return { threads, faults };
}

function samples(count: number, shape: readonly number[]): Samples {
  const x = zeros([count, ...shape], 'uint8');
  const y = zeros([count], 'uint8');
  for (let i = 0; i < x.size; i++) x.data[i] = (i * 37) & 255;
  for (let i = 0; i < count; i++) y.data[i] = i % 10;
  return { x, y };
}

const warmUp = 30;
const measured = 100;

const networks: readonly [string, number, readonly number[], () => Network][] = [
  ['the digits network', 100, [1, 28, 28], () => models.mnist({ seed: 1 })],
  ['LeNet-5', 64, [1, 28, 28], () => models.lenet5({ seed: 1 })],
  ['a ResNet-18', 1, [3, 32, 32], () => models.resnet18({ stem: 'small', classes: 10, seed: 1 })],
];

describe.skipIf(!possible)('steps touch no memory that is not there yet', () => {
  beforeAll(() => setThreads(machineThreads));
  afterAll(() => setThreads(testThreads));

  it.each(networks)('in 100 steps of %s', async (_, batchSize, shape, build) => {
    const [pool, run] = [[], []] as [number[], number[]];
    let steps = 0;
    const onStep = (): void => {
      steps++;
      if (steps !== warmUp && steps !== warmUp + measured) return;
      const workers = faultsOf('stridenet pool');
      expect(workers.threads).toBeGreaterThan(0);
      pool.push(workers.faults);
      run.push(faultsOf('stridenet run').faults);
    };
    await build().fit(samples(4 * batchSize, shape), {
      ...{
        batchSize,
        epochs: Math.ceil((warmUp + measured) / 4),
        optimizer: optimizers.adam(1e-3),
      },
      callbacks: { onStep },
    });
    expect(steps).toBeGreaterThanOrEqual(warmUp + measured);
    expect(pool[0]).toBeGreaterThan(0);
    expect(pool[1]).toBe(pool[0]);
    // To tell JavaScript of a run takes a new page of the heap now and then.
    expect((run[1] as number) - (run[0] as number)).toBeLessThan(4);
  });
});
