import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadGolden } from '../golden/load.ts';

const images = loadGolden('images');

/** The bytes of an image file by its name in test/golden. */
export function imageBytes(name: string): Buffer {
  const found = images.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no golden image ${name}`);
  return Buffer.from(found.attributes.file, 'base64');
}

/** Writes files by their names below a folder. */
export function writeTree(
  root: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): void {
  for (const [name, contents] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
  }
}
