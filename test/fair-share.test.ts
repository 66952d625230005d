import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import { models, type Network, setThreads } from '../lib/index.ts';
import { random } from './support/graphs.ts';
import { machineThreads, testThreads } from './support/threads.ts';

const native = tryAddon() !== null;
if (!native) console.log('skipped: how networks share the threads, no addon is built');

const durationMs = 1500;

/** Predictions that each network makes, one after the other, while all do. */
async function predictions(
  nets: readonly { net: Network; batch: number }[],
): Promise<readonly number[]> {
  const images = nets.map(({ net, batch }, i) =>
    random([batch, ...net.architecture.inputShape], i),
  );
  for (const [i, { net }] of nets.entries()) await net.predict(images[i] as never);
  const end = performance.now() + durationMs;
  return Promise.all(
    nets.map(async ({ net }, i) => {
      let done = 0;
      while (performance.now() < end) {
        await net.predict(images[i] as never);
        done++;
      }
      return done;
    }),
  );
}

/**
 * Each of `nets` predicts at least `least / nets.length` as often beside the others as alone. Afterwards
 * the first predicts alone once more: where its rate has changed by a factor of more than 1.5, other
 * processes had the CPUs meanwhile, and the test is skipped.
 */
async function expectShares(
  { skip }: TestContext,
  nets: readonly { net: Network; batch: number }[],
  least: number,
): Promise<void> {
  const alone: number[] = [];
  for (const each of nets) alone.push(...(await predictions([each])));
  const together = await predictions(nets);
  const [again = 0] = await predictions(nets.slice(0, 1));
  const shares = together.map((done, i) => done / (alone[i] as number));
  const shown = shares.map((share) => share.toFixed(2)).join(', ');
  console.log(`shares of ${nets.length} networks that predict at once: ${shown}`);
  if (again < (alone[0] as number) / 1.5 || again > (alone[0] as number) * 1.5) {
    console.log('skipped: the machine was not quiet');
    return skip();
  }
  expect(Math.min(...shares)).toBeGreaterThan(least / nets.length);
  // Together they do about what one does alone, on as many threads.
  expect(shares.reduce((a, b) => a + b)).toBeGreaterThan(0.7);
}

describe.runIf(native)('networks that run at once', () => {
  beforeAll(() => setThreads(machineThreads));
  afterAll(() => setThreads(testThreads));

  const network = (seed: number): Network => models.lenet5({ seed });

  it('share the threads evenly when they are equal', {
    timeout: 60_000,
    retry: 2,
  }, async (context) => {
    const nets = [1, 2, 3].map((seed) => ({ net: network(seed), batch: 200 }));
    await expectShares(context, nets, 0.6);
  });

  it('leave a small one its share beside a large one', {
    timeout: 60_000,
    retry: 2,
  }, async (context) => {
    const nets = [
      { net: network(1), batch: 20 },
      { net: network(2), batch: 1000 },
    ];
    await expectShares(context, nets, 0.4);
  });
});
