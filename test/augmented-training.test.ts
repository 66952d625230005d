import { describe, expect, it } from 'vitest';
import { Augmentations } from '../lib/augmentations/compiled.ts';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { AugmentedBatches } from '../lib/train/augmented.ts';
import { ResidentBatches } from '../lib/train/resident.ts';
import { Trainer } from '../lib/train/trainer.ts';
import { backends, bits, digits, relativeDistance, small } from './support/networks.ts';

const { augmentations, ops } = sn;

/** One of each kind, some of them not together. */
const everything: readonly sn.Augmentation[] = [
  augmentations.flipHorizontal(),
  augmentations.padCrop({ padding: 2 }),
  augmentations.rotate({ degrees: 15 }),
  augmentations.brightness({ amount: 0.2 }),
  augmentations.contrast({ amount: 0.3, probability: 0.5 }),
  augmentations.affine({ translate: 0.1, scale: [0.9, 1.1], shear: 5, fill: 0.1 }),
  augmentations.shift({ x: 2, y: [-1, 1] }),
  augmentations.flipVertical({ probability: 0.2 }),
  augmentations.cutout({ size: 6 }),
  augmentations.mixup({ alpha: 0.4 }),
];

const sgd = (learningRate = 0.05): sn.Optimizer => sn.optimizers.sgd({ learningRate });

const data = digits(50, 2);

/** The only batch of epoch 1 of a fit with that seed, as samples in its order. */
function firstBatch(seed: number): { x: sn.Tensor; y: sn.Tensor } {
  const indices = sn.tensor(new Generator(seed, 'shuffle/1').permutation(50));
  const x = ops.gatherRows(data.x, indices, { dtype: 'float32', scale: 1 / 255 });
  return { x, y: ops.gatherRows(data.y, indices) };
}

function oneHot(labels: sn.Tensor): sn.Tensor {
  const rows = sn.zeros([labels.size, 10]);
  labels.data.forEach((label, n) => {
    rows.data[10 * n + label] = 1;
  });
  return rows;
}

/** Loss and accuracy of the network as it is, in training on one batch. */
async function trainedOn(
  net: sn.Network,
  samples: sn.Samples,
  options: Partial<sn.FitOptions>,
): Promise<Record<string, unknown>> {
  const rest = { epochs: 1, batchSize: 50, seed: 7, optimizer: sgd(0) };
  const { epochs } = await net.fit(samples, { ...rest, ...options });
  return { ...epochs[0] };
}

describe.each(backends)('training on augmented samples on %s', (backend) => {
  const list = everything.slice(0, -1);
  const { x, y } = firstBatch(7);
  const net = small({ backend });

  it('sees what apply shows, and evaluates samples as they are', async () => {
    const before = await net.evaluate(data);
    const seen = { x: augmentations.apply(x, list, { seed: 7 }), y };
    const expected = await net.evaluate(seen);
    const validationData = data;
    const epoch = await trainedOn(net, data, { augmentation: list, validationData });
    expect(epoch.loss).toBeCloseTo(expected.loss, 5);
    expect(epoch.accuracy).toBe(expected.accuracy);
    expect(epoch.validation).toEqual(before);
    expect(Math.abs(expected.loss - before.loss)).toBeGreaterThan(1e-4);
  });

  it.each(['int32', 'uint8', 'one-hot'])('mixes labels that are %s', async (kind) => {
    const mixup = augmentations.mixup({ alpha: 1 });
    const sample = { shape: [1, 28, 28], dtype: 'float32', classes: 10 } as const;
    const drawn = new Augmentations('test', [mixup], sample);
    const [partners, shares] = drawn.feeds({ seed: 7, epoch: 1, step: 1 }, [50], 50);
    const rows = oneHot(y);
    const targets = sn.zeros([50, 10]);
    for (let i = 0; i < targets.size; i++) {
      const [n, c] = [Math.floor(i / 10), i % 10];
      const [own, other] = [rows.data[i], rows.data[(partners?.[n] as number) * 10 + c]];
      const share = shares?.[n] as number;
      targets.data[i] = share * (own as number) + (1 - share) * (other as number);
    }
    const seen = { x: augmentations.apply(x, [mixup], { seed: 7 }), y: targets };
    const expected = await net.evaluate(seen);
    const labels =
      kind === 'one-hot' ? oneHot(data.y) : ops.cast(data.y, kind as 'int32' | 'uint8');
    const metrics = [sn.metrics.accuracy({ name: 'own' })];
    const given = { x: data.x, y: labels };
    const epoch = await trainedOn(net, given, { augmentation: [mixup], metrics });
    expect(epoch.loss).toBeCloseTo(expected.loss, 5);
    expect(epoch.accuracy).toBe(expected.accuracy);
    expect(epoch.metrics).toMatchObject({ own: expected.accuracy });
  });

  it('draws anew for every batch of a step', async () => {
    const losses: number[] = [];
    for (const [i, step] of [1, 2].entries()) {
      const part = {
        x: ops.slice(x, [[25 * i, 25 * i + 25]]),
        y: ops.slice(y, [[25 * i, 25 * i + 25]]),
      };
      const seen = { x: augmentations.apply(part.x, list, { seed: 7, step }), y: part.y };
      losses.push((await net.evaluate(seen)).loss);
    }
    const [first = 0, second = 0] = losses;
    const halves = { batchSize: 25, augmentation: list };
    const together = await trainedOn(net, data, { ...halves, accumulate: 2 });
    expect(together.loss).toBeCloseTo((first + second) / 2, 5);
    const apart = await trainedOn(net, data, halves);
    expect(apart.loss).toBe(together.loss);
  });

  it.each([1, 3])(
    'has the same bits of samples that are read one by one, %d batches a step',
    async (accumulate) => {
      const options = { epochs: 2, batchSize: 12, seed: 5, optimizer: sgd(), accumulate };
      const read = sn.data.from(data).map((sample) => sample);
      const seen = new Set<string>();
      for (const given of [data, read, read.prefetch(5)]) {
        const own = small({ backend });
        await own.fit(given, { ...options, augmentation: everything });
        seen.add(bits(own.parameters()));
      }
      expect(seen.size).toBe(1);
    },
  );

  it('refuses what does not fit before anything is touched', async () => {
    const refused = async (
      tried: sn.Network,
      augmentation: unknown,
      samples = data,
    ): Promise<sn.StridenetError> =>
      tried.fit(samples, { augmentation: augmentation as never }).then(
        () => {
          throw new Error('it was taken');
        },
        (error: sn.StridenetError) => error,
      );
    expect(await refused(net, 5)).toMatchObject({ code: 'ERR_ARGUMENT' });
    expect(await refused(net, [5])).toMatchObject({ code: 'ERR_ARGUMENT' });
    const flat = sn.sequential({
      ...{ inputShape: [4], backend },
      layers: [sn.layers.dense({ units: 3 })],
    });
    const rows = { x: sn.zeros([5, 4]), y: sn.zeros([5], 'int32') };
    const shaped = await refused(flat, [augmentations.rotate({ degrees: 5 })], rows);
    expect(shaped).toMatchObject({ code: 'ERR_SHAPE' });
    expect(shaped.message).toBe('[fit, rotate] needs images (C, H, W) but a sample is (4)');
    await flat.fit(rows, { augmentation: [augmentations.mixup()] });
  });
});

describe.skipIf(!backends.includes('native'))('trajectories of augmented training', () => {
  const options = { epochs: 2, batchSize: 20, seed: 5, optimizer: sgd() };

  it('have the same bits at 1, 2 and 3 threads', async () => {
    const seen = new Set<string>();
    for (const threads of [1, 2, 3]) {
      const net = small({ threads });
      await net.fit(data, { ...options, augmentation: everything });
      seen.add(bits(net.parameters()));
    }
    expect(seen.size).toBe(1);
  });

  it('are those of the reference, and others than without augmentation', async () => {
    const wide = digits(50, 2, 'float64');
    const trained = async (settings: object, augmentation: readonly sn.Augmentation[]) => {
      const net = small({ dtype: 'float64', ...settings });
      await net.fit(wide, { ...options, augmentation });
      return net.parameters();
    };
    const native = await trained({}, everything);
    const reference = await trained({ backend: 'reference' }, everything);
    const without = await trained({}, []);
    for (const [key, value] of native) {
      const other = reference.get(key) as sn.Tensor;
      expect(relativeDistance(value, other), key).toBeLessThan(1e-11);
    }
    expect(bits(without)).not.toBe(bits(native));
  });

  it('go on from any step as if they had never stopped, at another thread count', async () => {
    const settings = {
      ...{ seed: 5, batchSize: 20, optimizer: sn.optimizers.adam(0.01), frozen: [] },
      ...{ loss: sn.losses.softmaxCrossEntropy(), clipValue: null, clipNorm: null },
    };
    const net = small();
    const { architecture } = net;
    const begun = (threads: number): Trainer => {
      const resident = new ResidentBatches(architecture, data, settings);
      const sample = { shape: architecture.inputShape, dtype: 'float32', classes: 10 } as const;
      const augmentations = new Augmentations('test', everything, sample);
      const batches = new AugmentedBatches(resident, augmentations, 5);
      const how = { backend: 'native', threads } as const;
      return new Trainer({ ...settings, architecture, batches, settings: how }, net.parameters());
    };
    const steps = async (trainer: Trainer, count: number): Promise<void> => {
      for (let done = 0; done < count; ) {
        const batches = await trainer.next(Math.min(2, count - done), 1000);
        if (batches === null) await trainer.beginEpoch(trainer.cursor.epoch + 1);
        else done += (await trainer.advance(batches, 1000)).length;
      }
    };
    const whole = begun(2);
    await whole.beginEpoch(1);
    await steps(whole, 7);
    for (const stop of [1, 3, 5]) {
      const first = begun(1);
      await first.beginEpoch(1);
      await steps(first, stop);
      const second = begun(3);
      await second.restore(first.states(), first.cursor);
      await steps(second, 7 - stop);
      expect(bits(second.states()), `stopped behind step ${stop}`).toBe(bits(whole.states()));
      first.dispose();
      second.dispose();
    }
    whole.dispose();
  });
});
