import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { digest, inFolder } from './support/interrupted.ts';
import { digits } from './support/networks.ts';

const native = sn.cpuInfo().addon !== null;
if (!native) console.log('skipped: how soon training is aborted, no addon is built');

const aborts = 240;
const most = 90;
const marginMs = 20;
const data = digits(512, 1);
const options = { batchSize: 64, seed: 6, epochs: 40, validationData: digits(1000, 2) };

function network(): sn.Network {
  return sn.models.mnist({ seed: 2 });
}

/** The bits of the parameters after every step, and what a step takes, in milliseconds. */
async function trajectory(): Promise<{ states: Set<string>; stepMs: number }> {
  const net = network();
  const states = new Set([digest(net.parameters())]);
  const took: number[] = [];
  let start = performance.now();
  for await (const event of net.train(data, options)) {
    if (event.type === 'step') took.push(performance.now() - start);
    states.add(digest(net.parameters()));
    start = performance.now();
  }
  return { states, stepMs: took.sort((a, b) => a - b)[took.length >> 1] as number };
}

describe.skipIf(!native)('a signal', () => {
  it(
    `ends training within a step and ${marginMs} ms at p99, after a whole step`,
    () =>
      inFolder(async (folder) => {
        const { states, stepMs } = await trajectory();
        const random = new Generator(12, 'aborts');
        const waits: number[] = [];
        for (let trial = 0; trial < aborts; trial++) {
          const net = network();
          const controller = new AbortController();
          let [begun, aborted] = [false, 0];
          const after = random.integer(most * 1000) / 1000;
          const abort = (): void => {
            if (begun) return;
            begun = true;
            setTimeout(() => {
              aborted = performance.now();
              controller.abort();
            }, after);
          };
          // Half of them write all the time.
          const writing = { directory: join(folder, String(trial)), everySteps: 3 };
          const training = net.fit(data, {
            ...{ ...options, epochs: 1000, signal: controller.signal },
            ...(trial % 2 === 0 ? {} : { checkpoint: writing }),
            callbacks: { onStart: abort },
          });
          const what = `seed 12, trial ${trial}, aborted after ${after} ms`;
          await expect(training, what).rejects.toMatchObject({ code: 'ERR_ABORTED' });
          waits.push(performance.now() - aborted);
          expect(states.has(digest(net.parameters())), what).toBe(true);
          if (trial % 2 === 0) continue;
          const latest = await sn.latestCheckpoint(writing.directory).catch(() => null);
          expect(latest?.skipped ?? [], what).toEqual([]);
        }
        waits.sort((a, b) => a - b);
        const at = (share: number): number => waits[Math.ceil(share * waits.length) - 1] as number;
        const figures = [0.5, 0.99, 1].map((share) => at(share).toFixed(2));
        console.log(
          `${aborts} aborts: p50 ${figures[0]} ms, p99 ${figures[1]} ms, max ${figures[2]} ms, where a step takes ${stepMs.toFixed(2)} ms`,
        );
        expect(at(0.99)).toBeLessThanOrEqual(stepMs + marginMs);
      }),
    180_000,
  );
});
