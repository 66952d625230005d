import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

type File = { path: string; size: number };
type Lock = { packages: Record<string, object> };
interface Checks {
  versionProblems(version: string, changelog: string, tags: readonly string[]): string[];
  contentProblems(files: readonly File[], list: string): string[];
  updatedList(files: readonly File[], list: string): string;
  licenseProblems(lock: Lock): string[];
  sbomProblems(sbom: object, lock: Lock): string[];
  readonly largestFile: number;
}

const root = path.resolve(import.meta.dirname, '..');
const scripts = path.join(root, '.ci/release');
const parts = ['version.mjs', 'contents.mjs', 'dependencies.mjs'];
const checks: Checks = Object.assign(
  {},
  ...(await Promise.all(parts.map((part) => import(path.join(scripts, part))))),
);

describe('a version', () => {
  const changelog = '## [Unreleased]\n\n## [1.3.0] - 2026-11-22\n\n## [1.2.9] - 2026-01-31\n';

  it('is one that the changelog has with a date, above the last tag', () => {
    expect(checks.versionProblems('1.3.0', changelog, ['v1.2.9', 'v1.2.10', 'latest'])).toEqual([]);
    expect(checks.versionProblems('1.3.0', changelog, [])).toEqual([]);
  });

  it.each([
    ['no version', '1.3', changelog, [], /no semantic version.*npm version/],
    ['no heading', '1.4.0', changelog, [], /no heading for 1\.4\.0.*## \[1\.4\.0\]/],
    ['no date', '1.3.0', '## [1.3.0]\n', [], /no date at 1\.3\.0/],
    ['a day that is none', '1.3.0', '## [1.3.0] - 2026-02-30\n', [], /no date at 1\.3\.0/],
    ['the last tag', '1.3.0', changelog, ['v1.3.0'], /not above the last tag, v1\.3\.0/],
    ['a lower one', '1.3.0', changelog, ['v1.10.0', 'v1.9.0'], /last tag, v1\.10\.0/],
    ['its own preview', '1.3.0-rc.1', '## [1.3.0-rc.1] - 2026-11-22\n', ['v1.3.0'], /last tag/],
    [
      'headings in disorder',
      '1.3.0',
      '## [1.3.0] - 2026-11-22\n## [1.10.0] - 2026-11-01\n',
      [],
      /1\.3\.0 above 1\.10\.0/,
    ],
  ])('is refused: %s', (_, version, text, tags, problem) => {
    const problems = checks.versionProblems(version, text, tags);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });
});

describe('the contents of a package', () => {
  const list = '# what is published\npackage.json\ndist/chunk-*.js\nprebuilds/*/*.node\n';
  const files = [
    { path: 'package.json', size: 100 },
    { path: 'dist/chunk-D5DVS3UE.js', size: 1000 },
    { path: 'prebuilds/linux-x64/stridenet.glibc.node', size: 2e6 },
  ];
  const also = (name: string, size = 1): File[] => [...files, { path: name, size }];

  it('are those of the list', () => {
    expect(checks.contentProblems(files, list)).toEqual([]);
  });

  it.each([
    ['a file that is not listed', also('dist/secret.js'), /dist\/secret\.js is not in.*--update/],
    ['one in a deeper folder', also('prebuilds/a/b/c.node'), /prebuilds\/a\/b\/c\.node is not in/],
    ['a file too few', files.slice(1), /lacks package\.json/],
    ['a pattern without files', files.slice(0, 2), /lacks prebuilds\/\*\/\*\.node/],
  ])('are refused: %s', (_, given, problem) => {
    const problems = checks.contentProblems(given, list);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  it('are refused: a large file', () => {
    const large = also('dist/chunk-AAAAAAAA.js', checks.largestFile + 1);
    expect(checks.contentProblems(large, list)).toEqual([
      expect.stringContaining('make it smaller'),
    ]);
    expect(
      checks.contentProblems(also('dist/chunk-AAAAAAAA.js', checks.largestFile), list),
    ).toEqual([]);
  });

  it.each([
    'test/a.ts',
    'bench/index.ts',
    'dist/a.test.js',
    'binding.gyp',
    '.npmrc',
    'dist/key.pem',
  ])('are refused even when listed: %s', (name) => {
    const problems = checks.contentProblems(also(name), `${list}${name}\n`);
    expect(problems).toEqual([expect.stringMatching(/take it out of "files"/)]);
  });

  it('are what an update writes, hashes as patterns', () => {
    const renamed = [
      ...also('dist/new.d.ts').slice(1),
      { path: 'dist/files-CJK24ZDK.js', size: 1 },
    ];
    const updated = checks.updatedList(renamed, list);
    expect(updated).toBe(
      '# what is published\ndist/chunk-*.js\ndist/files-*.js\ndist/new.d.ts\nprebuilds/*/*.node\n',
    );
    expect(checks.contentProblems(renamed, updated)).toEqual([]);
  });
});

describe('the list of files', () => {
  it('has the prebuild of every platform, and no others', async () => {
    const { targets } = (await import(path.join(root, '.ci/prebuild/targets.mjs'))) as {
      targets: readonly { file: string }[];
    };
    const lines = readFileSync(path.join(scripts, 'files.txt'), 'utf8').split('\n');
    const listed = lines.filter((line) => line.startsWith('prebuilds/'));
    expect(listed).toEqual(targets.map(({ file }) => `prebuilds/${file}`).sort());
  });
});

describe('what comes with a package', () => {
  const lock = (license?: string): Lock => ({
    packages: {
      '': { name: 'own', version: '1.0.0' },
      'node_modules/a': { version: '1.0.0', license: 'MIT' },
      'node_modules/a/node_modules/@of/b': { version: '2.0.0', ...(license ? { license } : {}) },
      'node_modules/tool': { version: '3.0.0', license: 'GPL-3.0-only', dev: true },
    },
  });

  it.each(['ISC', '(MIT OR GPL-3.0-only)', 'MIT AND Zlib', 'BSD-3-Clause'])(
    'may be %s',
    (license) => {
      expect(checks.licenseProblems(lock(license))).toEqual([]);
    },
  );

  it.each([
    ['GPL-3.0-only', /^@of\/b@2\.0\.0 is GPL-3\.0-only: replace it/],
    ['MIT AND GPL-3.0-only', /is MIT AND GPL/],
    ['SEE LICENSE IN file', /is SEE LICENSE/],
    [undefined, /has no licence in package-lock\.json/],
  ])('may not be %s', (license, problem) => {
    const problems = checks.licenseProblems(lock(license));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  it('is in the bill of materials, and nothing else', () => {
    const components = [
      { name: 'a', version: '1.0.0' },
      { group: '@of', name: 'b', version: '2.0.0' },
    ];
    const of = (list: object[], bomFormat = 'CycloneDX'): string[] =>
      checks.sbomProblems({ bomFormat, components: list }, lock('MIT'));
    expect(of(components)).toEqual([]);
    expect(of(components.slice(1))).toEqual([expect.stringContaining('lacks a@1.0.0')]);
    const foreign = [...components, { name: 'tool', version: '3.0.0' }];
    expect(of(foreign)).toEqual([expect.stringContaining('has tool@3.0.0')]);
    expect(of(components, 'SPDX')).toEqual([expect.stringContaining('no CycloneDX')]);
  });
});

describe('npm run release:check', () => {
  // npm packs and lists twice.
  vi.setConfig({ testTimeout: 180_000 });
  const folder = mkdtempSync(path.join(tmpdir(), 'stridenet-release-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const git = (...args: string[]): string => {
    const own = ['-c', 'user.name=nobody', '-c', 'user.email=nobody@example.org'];
    return execFileSync('git', [...own, ...args], { cwd: folder, encoding: 'utf8' });
  };
  const write = (name: string, text: string): void => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  };
  const check = (...args: string[]): { status: number | null; stdout: string } => {
    const script = path.join(scripts, 'check.mjs');
    const command = [script, `--root=${folder}`, ...args];
    return spawnSync(process.execPath, command, { encoding: 'utf8' });
  };

  beforeAll(() => {
    const manifest = {
      ...{ name: 'small', version: '1.0.0', license: 'MIT', files: ['index.js'] },
      ...{ dependencies: { used: '^1.0.0' }, devDependencies: { tool: '^2.0.0' } },
    };
    const packages = {
      '': manifest,
      'node_modules/used': { version: '1.0.0', license: 'ISC', dependencies: { shared: '^3.0.0' } },
      'node_modules/shared': { version: '3.0.0', license: 'MIT' },
      'node_modules/tool': {
        ...{ version: '2.0.0', license: 'GPL-3.0-only', dev: true },
        dependencies: { shared: '^3.0.0' },
      },
    };
    write('package.json', JSON.stringify(manifest));
    write('package-lock.json', JSON.stringify({ ...manifest, lockfileVersion: 3, packages }));
    write('index.js', 'export default 1;\n');
    write('CHANGELOG.md', '## [1.0.0] - 2026-11-22\n');
    write('.gitignore', 'build-release/\n');
    git('init', '--quiet');
  });

  it('packs, writes the list and the bill of materials, and passes once all is in order', () => {
    const first = check('--update');
    expect(first.stdout).toMatch(/work tree: FAILED\n {2}.*commit them[\s\S]*\?\? index\.js/);
    expect(first.stdout).toContain('contents: ok');
    expect(first.status).toBe(1);
    expect(readFileSync(path.join(folder, '.ci/release/files.txt'), 'utf8')).toBe(
      'index.js\npackage.json\n',
    );
    git('add', '--all');
    git('commit', '--quiet', '--message', 'all');
    const second = check();
    expect(second.stdout).not.toContain('FAILED');
    expect(second.status).toBe(0);
    const names = readdirSync(path.join(folder, 'build-release')).sort();
    expect(names).toEqual(['small-1.0.0.cdx.json', 'small-1.0.0.tgz']);
    const sbom = JSON.parse(
      readFileSync(path.join(folder, 'build-release', 'small-1.0.0.cdx.json'), 'utf8'),
    );
    const components: { name: string }[] = sbom.components;
    expect(components.map(({ name }) => name).sort()).toEqual(['shared', 'used']);
  });
});
