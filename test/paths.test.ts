import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { digits } from './support/networks.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-paths '));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): URL => pathToFileURL(join(folder, name));
const remote = new URL('http://localhost/a.npz');

describe('file: URLs', () => {
  it('name files of arrays', async () => {
    const x = sn.tensor([1, 2, 3]);
    await sn.data.writeNpz(at('a.npz'), { x });
    expect((await sn.data.readNpz(at('a.npz'))).get('x')).toEqual(x);
    writeFileSync(at('labels-idx'), Buffer.from([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]));
    expect((await sn.data.readIdx(at('labels-idx'))).toArray()).toEqual([7, 9]);
    const image = sn.zeros([2, 28, 28], 'uint8');
    const label = sn.zeros([2], 'uint8');
    const arrays = { x_train: image, y_train: label, x_test: image, y_test: label };
    await sn.data.writeNpz(at('mnist.npz'), arrays);
    expect((await sn.data.mnist({ path: at('mnist.npz') })).train.x.shape).toEqual([2, 1, 28, 28]);
  });

  it('name models, weights and the folders of checkpoints', async () => {
    const net = sn.models.lenet5({ seed: 1, backend: 'reference', inputShape: [1, 28, 28] });
    await net.save(at('net.safetensors'));
    const again = await sn.load(at('net.safetensors'));
    await net.saveWeights(at('net.npz'));
    expect((await again.loadWeights(at('net.npz'))).missing).toEqual([]);
    const steps = { batchSize: 2, steps: 2 };
    const directory = at('run');
    await net.fit(digits(4, 1), { ...steps, checkpoint: { directory, everySteps: 1 } });
    const latest = await sn.latestCheckpoint(directory);
    expect(latest?.step).toBe(2);
    expect((await sn.data.readSafetensors(pathToFileURL(latest?.path ?? ''))).size).toBeGreaterThan(
      8,
    );
    await again.fit(digits(4, 1), { ...steps, resume: directory });
    expect(again.parameters()).toEqual(net.parameters());
  });

  it('of other machines are refused', async () => {
    const wrong = { code: 'ERR_ARGUMENT', message: expect.stringMatching(/file: URL/) };
    const net = sn.models.lenet5();
    const calls = [
      () => sn.data.readNpz(remote),
      () => sn.data.readNpy(remote),
      () => sn.data.readIdx(remote),
      () => sn.data.mnist({ path: remote }),
      () => sn.data.cifar10({ path: remote }),
      () => sn.data.imageFolder(remote, { size: 8 }),
      () => sn.load(remote),
      () => net.loadWeights(remote),
      () => sn.latestCheckpoint(remote),
      () => net.fit(digits(4, 1), { resume: remote }),
      () => net.fit(digits(4, 1), { checkpoint: { directory: remote } }),
    ];
    for (const call of calls) await expect(call(), String(call)).rejects.toMatchObject(wrong);
  });
});

it('a model is not saved under the name of arrays', async () => {
  await expect(sn.models.lenet5().save(join(folder, 'model.npz'))).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringMatching(/saveWeights writes \.npz/),
  });
});
