import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { hasReadelf, isAbove, readSharedObject } from './support/elf.ts';

/** Node's own floor: older systems run no Node that the package supports. */
const GLIBC_FLOOR = '2.28';
const MOST_BYTES = 6 * 2 ** 20;

const folder = fileURLToPath(new URL('../prebuilds/', import.meta.url));
const prebuilds = existsSync(folder)
  ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.node'))
  : [];
const linux = prebuilds.filter((file) => file.startsWith('linux-'));
if (prebuilds.length === 0) console.log('skipped: prebuilds (npm run prebuild:all -- host)');
else if (!hasReadelf) console.log('skipped: prebuilds for Linux (no readelf: binutils)');

describe.skipIf(prebuilds.length === 0)('prebuilt addons', () => {
  it.each(prebuilds)('%s is small', (file) => {
    expect(statSync(folder + file).size).toBeLessThanOrEqual(MOST_BYTES);
  });
});

describe.skipIf(linux.length === 0 || !hasReadelf).each(linux)('%s', (file) => {
  const glibc = file.includes('.glibc.');
  const object = readSharedObject(folder + file);

  it('needs nothing but the C library', () => {
    const allowed = glibc ? /^(lib(c|m|pthread|dl|rt)|ld-linux.*)\.so\.\d+$/ : /^libc\.so$/;
    expect(object.needed.filter((library) => !allowed.test(library))).toEqual([]);
    expect(object.needed.length).toBeGreaterThan(0);
    expect(object.searched).toEqual([]);
  });

  it('needs no later glibc than Node does, and no version of another library', () => {
    const glibcs = object.versions.filter((version) => /^GLIBC_\d/.test(version));
    expect(object.versions.filter((version) => !glibcs.includes(version))).toEqual([]);
    expect(glibcs.length > 0).toBe(glibc);
    const above = glibcs.filter((v) => isAbove(v.slice('GLIBC_'.length), GLIBC_FLOOR));
    expect(above, 'for publishing: npm run prebuild:all, which links to an older glibc').toEqual(
      [],
    );
  });

  it('offers only what Node calls', () => {
    expect(object.exported).toEqual([
      'napi_register_module_v1',
      'node_api_module_get_api_version_v1',
    ]);
    expect(object.executableStack).toBe(false);
  });
});
