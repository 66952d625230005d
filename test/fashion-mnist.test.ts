import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import * as sn from '../lib/index.ts';
import { example } from './support/example.ts';

const native = tryAddon() !== null;
if (!native) console.log('skipped: Fashion-MNIST, no addon is built');
const folder = process.env.STRIDENET_FASHION_MNIST ?? '/usr/share/datasets/fashion-mnist';
const there = existsSync(folder);

// All of it with --cases=10 and more.
const whole = there && Number(process.env.STRIDENET_CASES ?? 1) >= 10;

/** Digits in the form of Fashion-MNIST, for machines that have no such data. */
async function writeDigits(file: string): Promise<void> {
  const { train, test } = await sn.data.mnist();
  const parts = { train: sn.data.slice(train, 0, 3000), test: sn.data.slice(test, 0, 1000) };
  const arrays = Object.entries(parts).flatMap(([part, { x, y }]) => [
    [`x_${part}`, sn.ops.reshape(x, [-1, 28, 28])] as const,
    [`y_${part}`, y] as const,
  ]);
  await sn.data.writeNpz(file, Object.fromEntries(arrays));
}

describe.skipIf(!native)('docs/examples/fashion-mnist.ts', () => {
  it(whole ? 'gets above 92.5 % of the test images' : 'learns from 3000 images', {
    timeout: 900_000,
  }, async () => {
    const made = mkdtempSync(join(tmpdir(), 'stridenet-'));
    const path = there ? folder : join(made, 'digits.npz');
    if (!there) await writeDigits(path);
    const settings = whole ? [] : ['1', '3000'];
    const out = await example('fashion-mnist.ts', settings, { STRIDENET_FASHION_MNIST: path });
    const last = out.trim().split('\n').at(-1) ?? '';
    console.log(last);
    const accuracy = Number(/test accuracy (\d+\.\d+) %/.exec(last)?.[1]);
    expect(accuracy).toBeGreaterThanOrEqual(whole ? 92.5 : 70);
    rmSync(made, { recursive: true });
  });
});
