import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import * as sn from '../lib/index.ts';
import { example } from './support/example.ts';

const native = tryAddon() !== null;
if (!native) console.log('skipped: docs/examples/cifar10.ts, no addon is built');

const files = ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5'];
const accuracyIn = (out: string): number =>
  Number(/^test accuracy (\d+\.\d+) %$/m.exec(out)?.[1]) / 100;

describe.skipIf(!native)('docs/examples/cifar10.ts', () => {
  it('draws images where no folder is given, learns them, and saves the best epoch', {
    timeout: 300_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stridenet-'));
    const model = join(folder, 'drawn.safetensors');
    const out = await example('cifar10.ts', ['', '5', model], { TMPDIR: folder });
    const [, path = ''] = /^no folder was given: (\S+) has drawn shapes/.exec(out) ?? [];
    expect(path.startsWith(join(folder, 'cifar10-'))).toBe(true);
    expect(readdirSync(path).sort()).toEqual([...files, 'test_batch'].map((name) => `${name}.bin`));
    const epochs = [...out.matchAll(/validation loss \S+, accuracy (\S+) %/g)].map(([, share]) =>
      Number(share),
    );
    expect(epochs).toHaveLength(5);
    const best = epochs.indexOf(Math.max(...epochs)) + 1;
    expect(out).toContain(`epoch ${best} was the best and is saved as ${model}`);
    expect(accuracyIn(out)).toBeGreaterThan(0.8);

    const { train, test } = await sn.data.cifar10({ path });
    expect([train.y.size, test.y.size]).toEqual([2000, 400]);
    for (const { y } of [train, test]) {
      const counts = Array.from({ length: 10 }, (_, c) => y.data.filter((at) => at === c).length);
      expect(new Set(counts).size).toBe(1);
    }
    const { accuracy } = await (await sn.load(model)).evaluate(test);
    expect(accuracy).toBeCloseTo(accuracyIn(out), 4);

    const again = await example('cifar10.ts', [path, '1', model]);
    expect(again).toContain('epoch 1/1');
    expect(again).not.toContain('no folder');
    rmSync(folder, { recursive: true });
  });
});
