import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');
// typedoc takes two seconds of a free CPU.
vi.setConfig({ testTimeout: 180_000 });
mkdirSync(path.join(root, 'build-results'), { recursive: true });
const folder = mkdtempSync(path.join(root, 'build-results', 'api-docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What `npm run check` says of a package of one file. */
function check(source: string): { passed: boolean; output: string } {
  writeFileSync(path.join(folder, 'index.ts'), source);
  const config = { extends: '../../tsconfig.build.json', include: ['index.ts'], exclude: [] };
  const compilerOptions = { rootDir: '.', outDir: 'dist' };
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ ...config, compilerOptions }));
  // The names that are not exported are the library's.
  const own = {
    entryPoints: ['index.ts'],
    tsconfig: 'tsconfig.json',
    intentionallyNotExported: [],
  };
  const options = { extends: [path.join(root, '.ci/docs/typedoc.jsonc')], ...own };
  writeFileSync(path.join(folder, 'typedoc.json'), JSON.stringify(options));
  const args = ['--options', folder, '--emit', 'none', '--logLevel', 'Warn'];
  const script = path.join(root, 'node_modules/typedoc/bin/typedoc');
  const result = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { passed: result.status === 0, output: `${result.stdout}${result.stderr}` };
}

const documented = `
/** Settings of \`area\`. */
export interface AreaOptions {
  /** In cm; default 1. */
  unit?: number;
}
/**
 * The area of a rectangle.
 * @param width in \`unit\`s
 */
export function area(width: number, options: AreaOptions = {}): number {
  return width * (options.unit ?? 1);
}
`;

const lacking = `
interface Hidden {
  /** Documented, but of a type that nobody is shown. */
  unit?: number;
}
/** Settings of \`area\`. */
export interface AreaOptions {
  unit?: number;
}
/** The area of a rectangle, see {@link nowhere}. */
export function area(width: number, options: AreaOptions = {}, hidden?: Hidden): number {
  return width * (options.unit ?? hidden?.unit ?? 1);
}
/**
 * The area of a square.
 * @param side in cm
 */
export function square(side: number, options: { unit?: number }): number {
  return side * side * (options.unit ?? 1);
}
export type Length = number;
export const cm: Length = 1;
`;

describe('the check of documentation', () => {
  it('takes what is documented, options by the interface they are of', () => {
    const { passed, output } = check(documented);
    expect(passed, output).toBe(true);
  });

  it('refuses options, parameters, types and exports without words, and links to nothing', () => {
    const { passed, output } = check(lacking);
    expect(passed, output).toBe(false);
    for (const name of [
      'AreaOptions.unit (',
      'area.width (',
      'square.options (',
      'Length (',
      'cm (',
    ]) {
      expect(output).toMatch(
        new RegExp(`${name.replace('(', '\\(')}.*does not have any documentation`),
      );
    }
    expect(output).toContain('Hidden, defined in');
    expect(output).toContain('nowhere');
    expect(output).not.toContain('area.options (');
  });
});
