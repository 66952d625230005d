import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cpuInfo } from '../lib/cpu.ts';

const { isas } = cpuInfo();
if (isas.length === 0) console.log('skipped: STRIDENET_ISA (no addon could be loaded)');

/** What a fresh process prints, as JSON, after `code`, with these environment variables. */
function run(code: string, environment: Record<string, string>): Record<string, unknown> {
  const library = fileURLToPath(new URL('../lib/index.ts', import.meta.url));
  const script = `
    import * as sn from ${JSON.stringify(library)};
    let result;
    try { result = await (async () => { ${code} })(); }
    catch ({ name, code, message }) { result = { name, code, message }; }
    console.log(JSON.stringify(result));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { encoding: 'utf8', env: { ...process.env, ...environment } },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

const relu = 'return [...sn.ops.relu(sn.tensor([-1, 2])).data]';

describe('a missing addon', () => {
  const missing = { STRIDENET_ADDON: '/nowhere/stridenet.node' };

  it('is ERR_NATIVE_NOT_FOUND, which says what was tried and how to build it', () => {
    const error = run(relu, missing);
    expect(error).toMatchObject({ name: 'StridenetError', code: 'ERR_NATIVE_NOT_FOUND' });
    expect(error.message).toContain('/nowhere/stridenet.node');
    expect(error.message).toContain('npx stridenet build');
  });

  it('leaves the reference and cpuInfo working', () => {
    expect(run(`sn.setDefaultBackend('reference'); ${relu}`, missing)).toEqual([0, 2]);
    expect(run('return sn.cpuInfo()', missing)).toMatchObject({ isa: null, addon: null });
  });
});

describe.skipIf(isas.length === 0)('STRIDENET_ISA', () => {
  it.each(isas)('%s is what runs', (isa) => {
    expect(run('return sn.cpuInfo()', { STRIDENET_ISA: isa })).toMatchObject({ isa });
  });

  it('throws for a name that is unknown or not there', () => {
    for (const name of ['sse9', 'neon'].filter((each) => !isas.includes(each))) {
      const error = run(relu, { STRIDENET_ISA: name });
      expect(error).toMatchObject({ name: 'StridenetError', code: 'ERR_ARGUMENT' });
      expect(error.message).toContain(`STRIDENET_ISA '${name}' is unknown`);
      expect(run('return sn.cpuInfo()', { STRIDENET_ISA: name })).toEqual(error);
    }
  });
});
