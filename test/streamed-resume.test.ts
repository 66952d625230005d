import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { augmentation, digest, inFolder, timeless, trainUntil } from './support/interrupted.ts';
import { digits, small } from './support/networks.ts';

const { data } = sn;

describe('a streamed training that was stopped', () => {
  const samples = digits(50, 2);
  const noisy = (dataset: sn.data.Dataset): sn.data.Dataset =>
    dataset.map(({ x, y }, { random }) => {
      x.data[random.integer(784)] = random.integer(256);
      return { x, y };
    });
  const datasets: Record<string, () => sn.data.Dataset> = {
    'of random access': () => noisy(data.from(samples)),
    'of unknown length': () => noisy(data.from(samples)).filter(({ y }) => y !== 3),
    'read one after the other': () =>
      noisy(data.from(() => data.from(samples)).shuffle({ buffer: 10 })).prefetch(3),
  };

  const cases = Object.entries(datasets).flatMap(([name, make]) =>
    ([1, 3] as const).flatMap((accumulate) => [
      [
        `${name}, ${accumulate} batches a step`,
        { accumulate, batchSize: 7 - accumulate },
        make,
      ] as const,
      [
        `${name}, augmented, ${accumulate} batches a step`,
        { accumulate, batchSize: 4, augmentation },
        make,
      ] as const,
    ]),
  );
  it.each(cases)('goes on bit for bit: %s', async (name, how, make) => {
    const options = {
      ...{ ...how, epochs: 3, seed: 11 },
      validationData: make().take(9),
    };
    const whole = small();
    const expected = await whole.fit(make(), options);
    const random = new sn.Generator(5, name);
    await inFolder(async (directory) => {
      const checkpoint = { directory, onAbort: true };
      for (let step = 0; ; ) {
        const net = small(step === 0 ? {} : { seed: 1000 });
        step += 1 + random.integer(6);
        const history = await trainUntil(
          net,
          { ...options, checkpoint, resume: true },
          step,
          make(),
        );
        if (history === null) continue;
        expect(digest(net.parameters()), `stopped at ${step}`).toBe(digest(whole.parameters()));
        expect(timeless(history)).toEqual(timeless(expected));
        break;
      }
    });
  });

  it('in its first epoch goes on with what can be read once', async () => {
    const options = { batchSize: 7, seed: 11 };
    const once = (): sn.data.Dataset =>
      data.from(
        data
          .from(samples)
          .map((sample) => sample)
          .open(),
      );
    const whole = small();
    await whole.fit(once(), options);
    await inFolder(async (directory) => {
      const checkpoint = { directory, onAbort: true };
      await trainUntil(small(), { ...options, checkpoint }, 3, once());
      const net = small({ seed: 1 });
      await net.fit(once(), { ...options, resume: directory });
      expect(digest(net.parameters())).toBe(digest(whole.parameters()));
    });
  });
});
