import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { version } from '../lib/version.ts';

it('is that of package.json', async () => {
  const path = new URL('../package.json', import.meta.url);
  expect(version).toBe(JSON.parse(await readFile(path, 'utf8')).version);
});
