import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { openCheckpoint } from '../lib/train/checkpoint/format.ts';
import { data, digest, inFolder, kept } from './support/interrupted.ts';
import { small } from './support/networks.ts';
import { encodeSafetensors, readSafetensors } from './support/safetensors.ts';

const options = { batchSize: 30, seed: 1 };

/** Trains an epoch of three steps and gives the paths of its checkpoints, the newest first. */
async function trained(directory: string, more: Partial<sn.CheckpointOptions> = {}) {
  const checkpoint = { directory, everySteps: 1, ...more };
  await kept().fit(data, { ...options, checkpoint });
  const names = (await readdir(directory)).filter((name) => name.startsWith('checkpoint'));
  return names
    .sort()
    .reverse()
    .map((name) => join(directory, name));
}

function failure(code: sn.ErrorCode, ...parts: string[]): unknown {
  const message = expect.stringMatching(
    new RegExp(parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*')),
  );
  return expect.objectContaining({ name: 'StridenetError', code, message });
}

/** A checkpoint with other metadata, and the digest that it then has. */
async function forge(
  path: string,
  change: (metadata: Map<string, string>) => void,
  tensors?: Map<string, sn.Tensor>,
): Promise<void> {
  const file = await readSafetensors(path);
  const metadata = new Map(file.metadata);
  const zeros = '0'.repeat(64);
  metadata.set('sha256', zeros);
  change(metadata);
  const bytes = Buffer.from(encodeSafetensors(tensors ?? file.tensors, metadata));
  const place = bytes.indexOf(zeros);
  if (place >= 0) bytes.write(createHash('sha256').update(bytes).digest('hex'), place);
  await writeFile(path, bytes);
}

/** Changes what a checkpoint says of its training. */
function record(change: (training: Record<string, never>) => void) {
  return (metadata: Map<string, string>): void => {
    const training = JSON.parse(metadata.get('training') ?? '');
    change(training);
    metadata.set('training', JSON.stringify(training));
  };
}

describe('a damaged checkpoint', () => {
  it('is found out, whichever byte was flipped', () =>
    inFolder(async (folder) => {
      const [path = ''] = await trained(join(folder, 'c'));
      const good = await readFile(path);
      const random = new Generator(23, 'flip');
      const changed = join(folder, 'changed.safetensors');
      const header = 8 + Number(good.readBigUInt64LE());
      for (let trial = 0; trial < 400; trial++) {
        const place = trial % 2 === 0 ? random.integer(header) : random.integer(good.length);
        const file = Uint8Array.from(good);
        file[place] = (file[place] as number) ^ (1 << random.integer(8));
        await writeFile(changed, file);
        const error = await openCheckpoint(changed).catch((thrown) => thrown);
        const what = `seed 23, trial ${trial}, byte ${place}`;
        expect(error, what).toMatchObject({ code: 'ERR_FILE_FORMAT' });
        expect(error.message, what).toContain(changed);
      }
      for (const length of [0, 7, 8, 100, header, good.length - 1]) {
        await writeFile(changed, good.subarray(0, length));
        await expect(openCheckpoint(changed)).rejects.toThrow(failure('ERR_FILE_FORMAT', changed));
      }
    }));

  it('is passed over for the newest one that is whole, with a warning', () =>
    inFolder(async (directory) => {
      const [newest = '', next = '', oldest = ''] = await trained(directory);
      await truncate(newest, 5000);
      await writeFile(next, 'not this');
      const latest = await sn.latestCheckpoint(directory);
      expect(latest).toMatchObject({ path: oldest, step: 1, epoch: 1 });
      expect(latest?.skipped.map(({ path }) => path)).toEqual([newest, next]);
      expect(latest?.skipped[0]?.reason).toContain(newest);
      const warnings: Error[] = [];
      const listener = (warning: Error): void => void warnings.push(warning);
      process.on('warning', listener);
      const net = kept();
      await net.fit(data, {
        ...options,
        checkpoint: { directory, everySteps: 1 },
        resume: true,
      });
      await new Promise((done) => setImmediate(done));
      process.off('warning', listener);
      const whole = kept();
      await whole.fit(data, options);
      expect(digest(net.parameters())).toBe(digest(whole.parameters()));
      expect(warnings.map(({ message }) => message.includes('goes on from'))).toEqual([true, true]);
      expect(await sn.latestCheckpoint(directory)).toMatchObject({ path: newest, skipped: [] });
    }));

  it('is an error where there is no other', () =>
    inFolder(async (directory) => {
      const paths = await trained(directory, { keep: 1 });
      await writeFile(paths[0] ?? '', 'x');
      const none = failure(
        'ERR_FILE_FORMAT',
        directory,
        'no checkpoint can be read',
        paths[0] ?? '',
      );
      await expect(sn.latestCheckpoint(directory)).rejects.toThrow(none);
      const checkpoint = { directory };
      await expect(kept().fit(data, { ...options, checkpoint, resume: true })).rejects.toThrow(
        none,
      );
      await expect(kept().fit(data, { ...options, resume: directory })).rejects.toThrow(none);
    }));

  it('with a right digest and wrong contents harms nothing', () =>
    inFolder(async (folder) => {
      const [path = ''] = await trained(join(folder, 'c'));
      const { tensors } = await readSafetensors(path);
      const copy = join(folder, 'forged.safetensors');
      const refuses = async (
        change: (metadata: Map<string, string>) => void,
        reason: string,
        values?: Map<string, sn.Tensor>,
        code: sn.ErrorCode = 'ERR_FILE_FORMAT',
      ): Promise<void> => {
        await copyFile(path, copy);
        await forge(copy, change, values);
        const net = kept();
        const before = digest(net.parameters());
        const wrong = failure(code, copy, reason);
        await expect(net.fit(data, { ...options, epochs: 2, resume: copy })).rejects.toThrow(wrong);
        expect(digest(net.parameters())).toBe(before);
        await net.fit(data, options);
      };
      const same = (): void => undefined;
      await refuses((metadata) => metadata.set('version', '2'), 'of version 2 (by stridenet');
      await refuses((metadata) => metadata.set('format', 'other'), 'no stridenet checkpoint');
      await refuses((metadata) => metadata.set('training', '{'), 'JSON');
      await refuses((metadata) => metadata.set('training', '[]'), 'training must be an object');
      await refuses((metadata) => metadata.delete('sha256'), 'the digest is not first');
      for (const [place, value] of [
        ['step', -1],
        ['epoch', 0],
        ['stepInEpoch', 1.5],
        ['step', '7'],
        ['epoch', null],
      ] as const) {
        const change = record((training) => {
          Object.assign(training.cursor as object, { [place]: value });
        });
        await refuses(change, `cursor.${place} must be`);
      }
      const far = record((training) =>
        Object.assign(training.cursor as object, { stepInEpoch: 4 }),
      );
      await refuses(far, 'step 4 of an epoch of 3');
      const part = (name: string, value: unknown) =>
        record((training) => Object.assign(training.parts as object, { [name]: value }));
      await refuses(part('history', [{ epoch: 1 }]), 'history.step must be');
      await refuses(part('history', 5), 'history must be a list');
      await refuses(part('running', { steps: 'x' }), 'running.steps must be a number');
      await refuses(
        record((training) => {
          const { running } = training.parts as { running: object };
          Object.assign(running, { metrics: 3 });
        }),
        'running.metrics must be an object',
      );
      await refuses(part('rates', [null]), 'rates must be an object');
      await refuses(
        record((training) => Reflect.deleteProperty(training, 'parts')),
        'parts must be an object',
      );
      const renamed = (name: string) => (metadata: Map<string, string>) => {
        const text = metadata.get('training') ?? '';
        expect(text).toContain(`"${name}":`);
        metadata.set('training', text.replace(`"${name}":`, '"__proto__":'));
      };
      await refuses(renamed('cursor'), 'cursor must be an object');
      await refuses(renamed('step'), 'cursor.step must be');
      await refuses(renamed('parts'), 'parts must be an object');
      await refuses(renamed('settings'), 'settings must be an object');
      expect(Object.keys(Object.prototype)).toEqual([]);
      const [key = '', value = sn.zeros([1])] = [...tensors][0] ?? [];
      const fewer = new Map(tensors);
      fewer.delete(key);
      await refuses(same, `lacks '${key}'`, fewer);
      await refuses(same, "besides 'more'", new Map([...tensors, ['more', value]]));
      await refuses(same, `'${key}' must be`, new Map([...tensors, [key, sn.zeros([2])]]));
      await refuses(same, `'${key}' must be`, new Map([...tensors, [key, value.to('float64')]]));
      await refuses(same, 'besides', new Map([...tensors, ['parts/none/x', value]]));
    }));
});

describe('a checkpoint of another training', () => {
  it('is refused with what differs, before anything is touched', () =>
    inFolder(async (directory) => {
      const [path = ''] = await trained(directory, { keep: 1 });
      const refuses = async (
        net: sn.Network,
        changed: sn.FitOptions,
        ...difference: string[]
      ): Promise<void> => {
        const before = digest(net.parameters());
        const wrong = failure('ERR_ARGUMENT', path, 'is of another training', ...difference);
        const given = { ...options, epochs: 2, resume: directory, ...changed };
        await expect(net.fit(data, given)).rejects.toThrow(wrong);
        expect(digest(net.parameters())).toBe(before);
      };
      await refuses(kept(), { seed: 2 }, 'seed is 1 there and 2 here');
      const augmentation = [sn.augmentations.flipHorizontal()];
      await refuses(kept(), { augmentation }, 'augmentation is null there');
      await refuses(kept(), { batchSize: 16 }, 'batchSize is 30 there and 16 here');
      await refuses(kept(), { optimizer: sn.optimizers.sgd() }, 'optimizer is', 'adam', 'sgd');
      const decay = sn.optimizers.adam({ weightDecay: 0.1 });
      await refuses(kept(), { optimizer: decay }, 'optimizer is', '"weightDecay":0');
      await refuses(kept(), { clipNorm: 1 }, 'clipNorm is null there and 1 here');
      await refuses(kept(), { frozen: ['stem'] }, 'frozen is [] there and ["stem"] here');
      const smooth = sn.losses.softmaxCrossEntropy({ labelSmoothing: 0.1 });
      await refuses(kept(), { loss: smooth }, 'loss is', 'labelSmoothing');
      await refuses(small(), {}, 'the number of layers is 8 there and 5 here');
      await refuses(kept({ dtype: 'float64' }), {}, 'dtype is "float32" there and "float64" here');
      const other = sn.sequential({
        inputShape: [1, 28, 28],
        layers: kept().architecture.layers.map(({ layer }, i) =>
          i === 2 ? sn.layers.dropout({ rate: 0.9 }) : layer,
        ),
      });
      await refuses(other, {}, 'layer 2 is', '0.2', '0.9');
      const fewer = { x: sn.zeros([60, 1, 28, 28], 'uint8'), y: sn.zeros([60], 'int32') };
      await expect(kept().fit(fewer, { ...options, resume: path })).rejects.toThrow(
        failure('ERR_ARGUMENT', 'number of samples is 90 there and 60 here'),
      );
    }));

  it('is not overwritten', () =>
    inFolder(async (directory) => {
      const paths = await trained(directory);
      const [newest = '', older = ''] = paths;
      const checkpoint = { directory };
      const begin = (more: sn.FitOptions): Promise<unknown> =>
        kept().fit(data, { ...options, epochs: 2, checkpoint, ...more });
      await expect(begin({})).rejects.toThrow(
        failure('ERR_ARGUMENT', directory, 'of another training', newest, 'resume: true'),
      );
      await expect(begin({ resume: older })).rejects.toThrow(
        failure('ERR_ARGUMENT', 'of later steps than', older, newest),
      );
      const away = join(directory, 'away.safetensors');
      await copyFile(older, away);
      await inFolder(async (elsewhere) => {
        const moved = join(elsewhere, 'moved.safetensors');
        await copyFile(older, moved);
        await expect(begin({ resume: moved })).rejects.toThrow(
          failure('ERR_ARGUMENT', 'of another training'),
        );
      });
      expect((await readdir(directory)).length).toBe(4);
      await begin({ resume: newest });
    }));
});

describe('the folder of checkpoints', () => {
  it('loses what a killed process left, and nothing else', () =>
    inFolder(async (directory) => {
      const child = spawn(process.execPath, ['-e', '0']);
      await new Promise((done) => child.on('exit', done));
      const uuid = '00000000-0000-4000-8000-000000000000';
      const dead = `${child.pid}-${uuid}.tmp`;
      const stay = [
        'notes.txt',
        `notes.txt.${dead}`,
        `checkpoint-000000000009.safetensors.${process.pid}-${uuid}.tmp`,
      ];
      const leave = [`checkpoint-000000000009.safetensors.${dead}`, `best.safetensors.${dead}`];
      for (const name of [...stay, ...leave]) await writeFile(join(directory, name), 'x');
      await trained(directory, { keep: 1 });
      const names = await readdir(directory);
      expect(names.sort()).toEqual(['checkpoint-000000000003.safetensors', ...stay].sort());
    }));

  it('is made, and is an error that names it where it cannot be', () =>
    inFolder(async (folder) => {
      const train = (directory: string, more: sn.FitOptions = {}): Promise<unknown> =>
        kept().fit(data, { ...options, checkpoint: { directory }, ...more });
      await train(join(folder, 'new'));
      expect(await readdir(join(folder, 'new'))).toHaveLength(1);
      const deep = join(folder, 'none', 'deep');
      await expect(train(deep)).rejects.toThrow(failure('ERR_FILE_NOT_FOUND', deep));
      const file = join(folder, 'file');
      await writeFile(file, 'x');
      await expect(train(file)).rejects.toThrow(failure('ERR_FILE_NOT_FOUND', file));
      await mkdir(join(folder, 'empty'));
      const empty = join(folder, 'empty');
      await expect(train(empty, { resume: empty })).rejects.toThrow(
        failure('ERR_FILE_NOT_FOUND', empty, 'no checkpoint'),
      );
      await expect(train(empty, { resume: deep })).rejects.toThrow(
        failure('ERR_FILE_NOT_FOUND', deep),
      );
      await train(empty, { resume: true });
      expect(await sn.latestCheckpoint(join(folder, 'new'))).not.toBe(null);
      await mkdir(join(folder, 'bare'));
      expect(await sn.latestCheckpoint(join(folder, 'bare'))).toBe(null);
      await symlink(empty, join(folder, 'link'));
      await train(join(folder, 'link'), { resume: true, epochs: 2 });
    }));

  it('that is taken away ends training with an error, and the network can go on', () =>
    inFolder(async (folder) => {
      const directory = join(folder, 'c');
      const net = kept();
      const removed = net.fit(data, {
        ...options,
        checkpoint: { directory, everySteps: 1 },
        callbacks: {
          onStep: ({ step }) => (step === 2 ? rm(directory, { recursive: true }) : undefined),
        },
      });
      await expect(removed).rejects.toThrow(failure('ERR_FILE_NOT_FOUND', directory));
      await net.fit(data, options);
    }));
});

describe('the options of checkpoints', () => {
  it('are checked before anything begins', async () => {
    const wrong: [sn.FitOptions, ...string[]][] = [
      [{ checkpoint: {} as never }, 'directory to be a path', 'undefined'],
      [{ checkpoint: { directory: '' } }, 'directory to be a path'],
      [{ checkpoint: { directory: 'x', everySteps: 0 } }, 'everySteps to be an integer ≥ 1'],
      [{ checkpoint: { directory: 'x', everyEpochs: 1.5 } }, 'everyEpochs to be an integer'],
      [{ checkpoint: { directory: 'x', everySeconds: -1 } }, 'everySeconds'],
      [{ checkpoint: { directory: 'x', keep: 0 } }, 'keep to be an integer ≥ 1'],
      [{ checkpoint: { directory: 'x', onAbort: 1 as never } }, 'onAbort to be true or false'],
      [{ checkpoint: { directory: 'x', every: 1 } as never }, "no option 'every'"],
      [{ checkpoint: { directory: 'x', keepBest: 5 as never } }, 'keepBest'],
      [{ checkpoint: { directory: 'x', keepBest: { monitor: 'luck' } } }, "mode to be 'min'"],
      [{ checkpoint: 'x' as never }, 'an object of options'],
      [{ resume: true }, 'resume to be a path'],
      [{ resume: '' }, 'resume to be a path, true or false'],
      [{ resume: 3 as never }, 'resume to be a path, true or false'],
    ];
    for (const [given, ...parts] of wrong) {
      await expect(kept().fit(data, given), parts[0]).rejects.toThrow(
        failure('ERR_ARGUMENT', ...parts),
      );
    }
    const unknown = { checkpoint: { directory: 'x', keepBest: { monitor: 'validation.loss' } } };
    await expect(kept().fit(data, unknown)).rejects.toThrow(
      failure('ERR_ARGUMENT', 'keepBest', "'loss', 'accuracy'"),
    );
    await expect(sn.latestCheckpoint(5 as never)).rejects.toThrow(
      failure('ERR_ARGUMENT', 'a path'),
    );
  });
});
