import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { findPeers } from '../bench/peers.ts';

describe.skipIf(process.platform === 'win32')('interpreters of STRIDENET_PYTHON', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'stridenet-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  afterEach(() => vi.unstubAllEnvs());

  /** Stands for a Python whose PyTorch is of this version. */
  function interpreter(name: string, version: string): string {
    const file = path.join(folder, name);
    const hello = JSON.stringify({ version, file: `torch of ${name}`, note: `built for ${name}` });
    writeFileSync(file, `#!/bin/sh\necho '${hello}'\n`);
    chmodSync(file, 0o755);
    return file;
  }

  it('are told apart by version, then by number, and never by path', () => {
    const absent = path.join(folder, 'absent');
    const [a, b, c] = [
      interpreter('a', '2.15.0+cu132'),
      interpreter('b', '1.13.0a0'),
      interpreter('c', '2.15.1'),
    ];
    vi.stubEnv('STRIDENET_PYTHON', [a, b, absent, c, a].join(':'));
    const { found, missing, notes } = findPeers(['PyTorch']);
    expect(found.map(({ name }) => name)).toEqual([
      ...['PyTorch 2.15', 'PyTorch 2.15 tuned', 'PyTorch 1.13', 'PyTorch 1.13 tuned'],
      ...['PyTorch 2.15 (2)', 'PyTorch 2.15 (2) tuned'],
    ]);
    expect(found.map(({ command }) => command)).toEqual([a, a, b, b, c, c]);
    expect(notes).toEqual([
      'PyTorch 2.15: 2.15.0+cu132, built for a',
      'PyTorch 1.13: 1.13.0a0, built for b',
      'PyTorch 2.15 (2): 2.15.1, built for c',
    ]);
    expect(missing).toEqual([
      { name: 'PyTorch', reason: expect.stringMatching(/^interpreter 3 of STRIDENET_PYTHON: /) },
    ]);
    expect(JSON.stringify([notes, missing])).not.toContain(folder);
  });
});
