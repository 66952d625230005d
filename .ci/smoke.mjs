// Loads the addon found below a folder and asks it for the CPU, to see that the build is whole.
import { createRequire } from 'node:module';
import path from 'node:path';
import { filesBelow, root } from './tools.mjs';

const folder = process.argv[2] ?? 'build/Release';
const file = filesBelow(folder, /\.node$/).find((name) => !name.includes('obj.target'));
if (file === undefined) {
  console.error(`no .node file below ${folder}`);
  process.exit(1);
}
const addon = createRequire(import.meta.url)(path.join(root, file));
console.log(`${file} loads: ${JSON.stringify(addon.cpuInfo())}`);
