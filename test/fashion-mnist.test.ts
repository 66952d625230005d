import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';

const folder = process.env.STRIDENET_FASHION_MNIST ?? '/usr/share/datasets/fashion-mnist';
const possible = tryAddon() !== null && existsSync(folder);
if (!possible) console.log(`skipped: Fashion-MNIST, no addon is built or no data are in ${folder}`);

// All of it with --cases=10 and more.
const whole = Number(process.env.STRIDENET_CASES ?? 1) >= 10;

describe.skipIf(!possible)('docs/examples/fashion-mnist.ts', () => {
  it(whole ? 'gets above 92.5 % of the test images' : 'learns from 3000 images', {
    timeout: 900_000,
  }, async () => {
    const root = join(import.meta.dirname, '..');
    const script = join(root, 'docs/examples/fashion-mnist.ts');
    const settings = whole ? [] : ['1', '3000'];
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['--import', 'tsx', script, ...settings], {
      cwd: root,
    });
    const last = stdout.trim().split('\n').at(-1) ?? '';
    console.log(last);
    const accuracy = Number(/test accuracy (\d+\.\d+) %/.exec(last)?.[1]);
    expect(accuracy).toBeGreaterThanOrEqual(whole ? 92.5 : 70);
  });
});
