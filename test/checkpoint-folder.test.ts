import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { data, digest, inFolder, kept, timeless } from './support/interrupted.ts';

const options = { batchSize: 30, seed: 1 };

describe('a checkpoint from before the first step', () => {
  const beginnings: [string, sn.FitOptions][] = [
    ['of a training of no epochs', { epochs: 0 }],
    ['of one that a callback ended', { callbacks: { onStart: () => Promise.reject(new Error()) } }],
  ];
  it.each(beginnings)('is gone on from: %s', (_, beginning) =>
    inFolder(async (directory) => {
      const checkpoint = { directory, onAbort: true };
      await kept()
        .fit(data, { ...options, checkpoint, ...beginning })
        .catch(() => undefined);
      expect(await readdir(directory)).toEqual(['checkpoint-000000000000.safetensors']);
      const whole = kept();
      await whole.fit(data, { ...options, epochs: 2 });
      const net = kept({ seed: 100 });
      await net.fit(data, { ...options, epochs: 2, checkpoint, resume: true });
      expect(digest(net.parameters())).toBe(digest(whole.parameters()));
    }),
  );
});

describe('the checkpoint of the best epoch', () => {
  const rare = { everySteps: 1000, keepBest: true };

  it('is gone on from where there is no other, and not overwritten by another training', () =>
    inFolder(async (directory) => {
      const checkpoint = { directory, ...rare };
      const best = join(directory, 'best.safetensors');
      await kept().fit(data, { ...options, epochs: 1, checkpoint });
      await rm(join(directory, 'checkpoint-000000000003.safetensors'));
      expect(await readdir(directory)).toEqual(['best.safetensors']);
      await expect(kept().fit(data, { ...options, checkpoint })).rejects.toMatchObject({
        code: 'ERR_ARGUMENT',
        message: expect.stringContaining(best),
      });
      expect(await sn.latestCheckpoint(directory)).toMatchObject({ path: best, step: 3, epoch: 2 });
      const whole = kept();
      await whole.fit(data, { ...options, epochs: 2 });
      const net = kept({ seed: 100 });
      const history = await net.fit(data, { ...options, epochs: 2, checkpoint, resume: true });
      expect(history.epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
      expect(digest(net.parameters())).toBe(digest(whole.parameters()));
    }));

  it.each([5, 6])('goes on within an epoch that %i steps have cut short', (steps) =>
    inFolder(async (directory) => {
      const judged = { ...options, earlyStopping: { monitor: 'loss', patience: 5 } };
      const plateau = () => sn.schedules.plateau({ monitor: 'loss', patience: 0, minDelta: 10 });
      const checkpoint = { directory, ...rare, keepBest: { monitor: 'loss' } };
      const cut = await kept().fit(data, { ...judged, schedule: plateau(), steps, checkpoint });
      const losses = cut.epochs.map(({ loss }) => loss);
      expect(losses[1]).toBeLessThan(losses[0] as number);
      await rm(join(directory, `checkpoint-00000000000${steps}.safetensors`));
      const best = await sn.latestCheckpoint(directory);
      expect(best).toMatchObject({ step: steps, epoch: steps === 5 ? 2 : 3 });

      const whole = kept();
      const expected = await whole.fit(data, { ...judged, schedule: plateau(), epochs: 4 });
      const net = kept({ seed: 100 });
      const further = { ...judged, schedule: plateau(), epochs: 4, resume: directory };
      const history = await net.fit(data, further);
      expect(timeless(history)).toEqual(timeless(expected));
      expect(history.earlyStopping).toEqual(expected.earlyStopping);
      expect(digest(net.parameters())).toBe(digest(whole.parameters()));
    }),
  );

  it('stands in for others that cannot be read', () =>
    inFolder(async (directory) => {
      const checkpoint = { directory, ...rare };
      await kept().fit(data, { ...options, checkpoint });
      const damaged = join(directory, 'checkpoint-000000000003.safetensors');
      await writeFile(damaged, 'x');
      expect(await sn.latestCheckpoint(directory)).toMatchObject({
        path: join(directory, 'best.safetensors'),
        skipped: [{ path: damaged }],
      });
    }));
});

it('what an earlier process of the same number has left is removed', () =>
  inFolder(async (directory) => {
    const left = (step: number): string =>
      join(
        directory,
        `checkpoint-00000000000${step}.safetensors.${process.pid}-00000000-0000-4000-8000-000000000000.tmp`,
      );
    const before = new Date(Date.now() - 1000 * process.uptime() - 60_000);
    for (const step of [1, 2]) await writeFile(left(step), 'x');
    await utimes(left(1), before, before);
    await kept().fit(data, { ...options, checkpoint: { directory } });
    const names = (await readdir(directory)).map((name) => join(directory, name)).sort();
    expect(names).toEqual([left(2), join(directory, 'checkpoint-000000000003.safetensors')].sort());
  }));
