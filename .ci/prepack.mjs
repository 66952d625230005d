// Runs before `npm pack` and `npm publish`: a package without an addon would install and not work.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

const platform = `${process.platform}-${process.arch}`;
const folder = path.resolve(import.meta.dirname, '..', 'prebuilds', platform);
if (!existsSync(folder) || !readdirSync(folder).some((file) => file.endsWith('.node'))) {
  console.error(`prebuilds/${platform} holds no addon: run npm run prebuildify first`);
  process.exitCode = 1;
}
