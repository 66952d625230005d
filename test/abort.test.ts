import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { unlessLong } from './cases/case.ts';
import { digest, inFolder } from './support/interrupted.ts';
import { digits } from './support/networks.ts';

const native = sn.cpuInfo().addon !== null;
if (!native) console.log('skipped: how soon training is aborted, no addon is built');

const trials = unlessLong(4, 100);
/** Training is aborted up to so many milliseconds after it began. */
const mostMs = 60;
const marginMs = 20;

const data = digits(512, 1);
const few = digits(64, 3);

function network(): sn.Network {
  return sn.models.mnist({ seed: 2 });
}

/** A way to train that has something to wait for when it is aborted. */
interface Situation {
  readonly samples: sn.Samples;
  /** What steps compute. */
  readonly options: sn.FitOptions;
  /** What happens besides, in a folder of its own. */
  besides(folder: string): { data?: sn.data.Dataset; options?: sn.FitOptions };
}

const options = { batchSize: 64, seed: 6 };

const situations: Readonly<Record<string, Situation>> = {
  'that trains and validates': {
    ...{ samples: data, options },
    besides: () => ({ options: { validationData: digits(600, 2) } }),
  },
  'that writes checkpoints': {
    ...{ samples: data, options },
    besides: (directory) => ({ options: { checkpoint: { directory, everySteps: 3 } } }),
  },
  'that validates most of the time': {
    ...{ samples: few, options },
    besides: () => ({ options: { validationData: digits(4000, 2) } }),
  },
  'of three batches a step': {
    ...{ samples: data, options: { ...options, batchSize: 32, accumulate: 3 } },
    besides: () => ({}),
  },
  'that waits for its samples': {
    ...{ samples: data, options: { ...options, batchSize: 16 } },
    besides: (directory) => ({
      data: sn.data.from(data).map(async (sample) => {
        await wait(15);
        return sample;
      }),
      options: { checkpoint: { directory, everySteps: 2 } },
    }),
  },
};

/** The bits of the parameters after every step, and how long steps take, sorted. */
async function trajectory({ samples, options: how }: Situation, steps: number) {
  const net = network();
  const states = new Set([digest(net.parameters())]);
  const took: number[] = [];
  let start = performance.now();
  for await (const event of net.train(samples, { ...how, steps })) {
    if (event.type === 'step') took.push(performance.now() - start);
    states.add(digest(net.parameters()));
    start = performance.now();
  }
  return { states, took: took.sort((a, b) => a - b) };
}

/** Begins to train, aborts some time later, and gives how long the fit took to end. */
async function abortedAfter(
  net: sn.Network,
  { samples, options: how, besides }: Situation,
  folder: string,
  milliseconds: number,
): Promise<number> {
  const controller = new AbortController();
  const more = besides(folder);
  let aborted = Number.NaN;
  const training = net.fit(more.data ?? samples, {
    ...{ ...how, ...more.options, epochs: 1000, signal: controller.signal },
    callbacks: {
      onStart: () => {
        setTimeout(() => {
          aborted = performance.now();
          controller.abort();
        }, milliseconds);
      },
    },
  });
  await expect(training).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  return performance.now() - aborted;
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.ceil(share * sorted.length) - 1] as number;

describe.skipIf(!native)('a signal ends a training', () => {
  it.each(Object.entries(situations))(
    `%s within a step and ${marginMs} ms at p99, after a whole step`,
    { timeout: 600_000, retry: 2 },
    (name, situation) =>
      inFolder(async (folder) => {
        const { states, took } = await trajectory(situation, 80);
        const random = new Generator(12, name);
        const waits: number[] = [];
        for (let trial = 0; trial < trials; trial++) {
          const net = network();
          const after = random.integer(mostMs * 1000) / 1000;
          const own = join(folder, String(trial));
          waits.push(await abortedAfter(net, situation, own, after));
          const what = `seed 12, trial ${trial}, aborted after ${after} ms`;
          expect(states.has(digest(net.parameters())), what).toBe(true);
          const latest = await sn.latestCheckpoint(own).catch(() => null);
          expect(latest?.skipped ?? [], what).toEqual([]);
        }
        waits.sort((a, b) => a - b);
        const figures = (sorted: readonly number[]): string =>
          [0.5, 0.99, 1].map((share) => at(sorted, share).toFixed(1)).join(', ');
        console.log(
          `${trials} aborts of a training ${name}: p50, p99, max ${figures(waits)} ms; of steps ${figures(took)} ms`,
        );
        // On a busy machine some steps take long, whoever waits for them.
        expect(at(waits, 0.99)).toBeLessThanOrEqual(at(took, 0.99) + marginMs);
      }),
  );
});
