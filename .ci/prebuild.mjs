// `npm run prebuildify`: builds prebuilds/<platform>-<arch>/ for the package, for this platform.
// (A script named prebuild would run before every `npm run build`.)
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runPackage } from './tools.mjs';

const prefix = path.resolve(path.dirname(process.execPath), '..');
const headers = existsSync(path.join(prefix, 'include', 'node', 'node_api.h'));
const passed = runPackage(
  'prebuildify/bin.js',
  ['--napi', '--strip', '--tag-libc', '--target', `${process.versions.node}`],
  { env: { ...process.env, ...(headers ? { npm_config_nodedir: prefix } : {}) } },
);
process.exitCode = passed ? 0 : 1;
