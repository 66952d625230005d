import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { seeds } from './cases/case.ts';
import {
  data,
  digest,
  drawTraining,
  inFolder,
  kept,
  timeless,
  trainUntil,
  validationData,
} from './support/interrupted.ts';
import { backends } from './support/networks.ts';
import { readSafetensors } from './support/safetensors.ts';

/** All states at the end of a training, by the newest checkpoint of a folder. */
async function finalStates(directory: string): Promise<string> {
  const latest = await sn.latestCheckpoint(directory);
  return digest((await readSafetensors(latest?.path ?? '')).tensors);
}

describe('a training that was stopped', () => {
  it.each(seeds(6))('goes on bit for bit as if it never had been (seed %i)', (seed) =>
    inFolder(async (folder) => {
      const random = new Generator(seed, 'stops');
      const training = drawTraining(random);
      const native = sn.cpuInfo().addon !== null;
      const threads = (): Partial<sn.SequentialOptions> =>
        native ? { threads: 1 + random.integer(3) } : {};
      const [whole, parts] = [join(folder, 'whole'), join(folder, 'parts')];
      const reference = kept(threads());
      const expected = await reference.fit(training.data(), {
        ...training.options(),
        checkpoint: { directory: whole },
      });
      const checkpoint = {
        directory: parts,
        everySteps: 1 + random.integer(5),
        keep: 1 + random.integer(3),
        onAbort: random.integer(2) === 0,
      };
      let history: sn.History | null = null;
      let net = reference;
      let step = 0;
      const told: string[] = [];
      while (history === null) {
        const begun = step > 0 && (await sn.latestCheckpoint(parts)) !== null;
        net = kept({ ...threads(), ...(begun ? { seed: 1000 } : {}) });
        step += 1 + random.integer(9);
        told.push(`${step} at ${net.threads} threads`);
        const options = { ...training.options(), checkpoint, resume: true };
        history = await trainUntil(net, options, step, training.data());
      }
      const what = `seed ${seed}, stopped at steps ${told.join(', ')}`;
      expect(digest(net.parameters()), what).toBe(digest(reference.parameters()));
      expect(timeless(history), what).toEqual(timeless(expected));
      expect(history.earlyStopping, what).toEqual(expected.earlyStopping);
      expect(await finalStates(parts), what).toBe(await finalStates(whole));
      expect((await readdir(parts)).length, what).toBeLessThanOrEqual(checkpoint.keep);
    }),
  );

  it.each(backends)(
    'goes on from the end of an epoch, and longer than it was to be, on %s',
    (backend) =>
      inFolder(async (directory) => {
        const options = { batchSize: 20, seed: 8, validationData };
        const whole = kept({ backend });
        const expected = await whole.fit(data, { ...options, epochs: 3 });
        const first = kept({ backend });
        const checkpoint = { directory };
        await first.fit(data, { ...options, epochs: 1, checkpoint });
        const [name = ''] = await readdir(directory);
        expect(name).toBe('checkpoint-000000000005.safetensors');
        const second = kept({ backend });
        const path = join(directory, name);
        const history = await second.fit(data, { ...options, epochs: 3, resume: path });
        expect(digest(second.parameters())).toBe(digest(whole.parameters()));
        expect(timeless(history)).toEqual(timeless(expected));
        const done = await kept({ backend }).fit(data, {
          ...options,
          epochs: 1,
          resume: directory,
        });
        expect(timeless(done)).toEqual(timeless(expected).slice(0, 1));
      }),
  );

  it('goes on step by step too, and a break can leave a checkpoint', () =>
    inFolder(async (directory) => {
      const options = { batchSize: 16, seed: 2, epochs: 2 };
      const whole = kept();
      await whole.fit(data, options);
      const checkpoint = { directory, everySteps: 100, onAbort: true };
      const net = kept();
      for await (const event of net.train(data, { ...options, checkpoint })) {
        if (event.step === 8) break;
      }
      expect(await sn.latestCheckpoint(directory)).toMatchObject({ step: 8, epoch: 2 });
      const steps: number[] = [];
      const rest = kept({ seed: 77 });
      for await (const event of rest.train(data, { ...options, checkpoint, resume: true })) {
        if (event.type === 'step') steps.push(event.step);
      }
      expect(steps).toEqual([9, 10, 11, 12]);
      expect(digest(rest.parameters())).toBe(digest(whole.parameters()));
    }));

  it('keeps rates that callbacks set, and takes those that options change', () =>
    inFolder(async (directory) => {
      const lower = (optimizer: sn.Optimizer): sn.Callbacks => ({
        onEpoch: () => {
          optimizer.learningRate /= 10;
        },
      });
      const trained = (net: sn.Network, rate: number, epochs: number, more: sn.FitOptions) => {
        const optimizer = sn.optimizers.adam(rate);
        return net.fit(data, { optimizer, epochs, callbacks: lower(optimizer), ...more });
      };
      const whole = kept();
      await trained(whole, 1e-3, 3, {});
      await trained(kept(), 1e-3, 2, { checkpoint: { directory } });
      const net = kept();
      const history = await trained(net, 1e-3, 3, { resume: directory });
      expect(digest(net.parameters())).toBe(digest(whole.parameters()));
      expect(history.epochs.map(({ learningRate }) => learningRate)).toEqual([1e-3, 1e-4, 1e-5]);
      const changed = await trained(kept(), 0.5, 3, { resume: directory });
      expect(changed.epochs.map(({ learningRate }) => learningRate)).toEqual([1e-3, 1e-4, 0.5]);
    }));

  it('tells of what it wrote, and keeps the best epoch', () =>
    inFolder(async (directory) => {
      const written: sn.CheckpointEvent[] = [];
      const values = new Map<number, string>();
      const net = kept();
      const history = await net.fit(data, {
        ...{ epochs: 6, batchSize: 30, validationData },
        optimizer: sn.optimizers.adam(0.05),
        checkpoint: { directory, everySteps: 4, keep: 2, keepBest: true },
        callbacks: {
          onCheckpoint: (event) => void written.push(event),
          onEpoch: ({ epoch }) => void values.set(epoch, digest(net.parameters())),
        },
      });
      const losses = history.epochs.map(({ validation }) => validation?.loss ?? 0);
      const best = losses.indexOf(Math.min(...losses)) + 1;
      expect((await readdir(directory)).sort()).toEqual([
        'best.safetensors',
        'checkpoint-000000000016.safetensors',
        'checkpoint-000000000018.safetensors',
      ]);
      expect(written.filter((each) => !each.best).map(({ step }) => step)).toEqual([
        4, 8, 12, 16, 18,
      ]);
      expect(written.filter((each) => each.best).at(-1)?.step).toBe(3 * best);
      const { tensors } = await readSafetensors(join(directory, 'best.safetensors'));
      const own = [...net.parameters().keys()].map((key) => [key, tensors.get(key) as sn.Tensor]);
      expect(digest(new Map(own as [string, sn.Tensor][]))).toBe(values.get(best));
      for (const { bytes, seconds } of written) {
        expect(bytes).toBeGreaterThan(1000);
        expect(seconds).toBeGreaterThan(0);
      }
    }));

  it.each([
    [{ everySteps: 3 }, { epochs: 4 }, [3, 6, 9, 12]],
    [{ everySteps: 2 }, { epochs: 4 }, [2, 4, 6, 8, 10, 12]],
    [{ everySteps: 3, everyEpochs: 2 }, { epochs: 4 }, [3, 6, 9, 12]],
    [{ everySteps: 3 }, { steps: 6 }, [3, 6]],
  ])('writes each step once, with %j in %j', (intervals, length, wanted) =>
    inFolder(async (directory) => {
      const steps: number[] = [];
      const options = {
        ...{ ...length, batchSize: 30, validationData },
        checkpoint: { directory, ...intervals },
        callbacks: { onCheckpoint: ({ step }: sn.CheckpointEvent) => void steps.push(step) },
      };
      const history = await kept().fit(data, options);
      expect(steps).toEqual(wanted);
      const again = await kept().fit(data, { ...options, resume: true });
      expect(timeless(again)).toEqual(timeless(history));
    }),
  );

  it('writes by the clock', () =>
    inFolder(async (directory) => {
      const written: number[] = [];
      await kept().fit(data, {
        ...{ epochs: 40, batchSize: 5 },
        checkpoint: { directory, everySeconds: 0.02, keep: 1 },
        callbacks: {
          onCheckpoint: ({ step }) => void written.push(step),
          onEpoch: () => setTimeout(5),
        },
      });
      expect(written.length).toBeGreaterThan(1);
      expect(written.at(-1)).toBe(720);
      expect(await readdir(directory)).toEqual(['checkpoint-000000000720.safetensors']);
    }));
});
