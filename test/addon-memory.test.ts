import { Worker } from 'node:worker_threads';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Addon, tryAddon } from '../lib/backends/addon.ts';
import { ops, Tensor } from '../lib/index.ts';

// What Programs keep in native memory between runs.

const loaded = tryAddon();
if (loaded === null) console.log('skipped: native memory, no addon is built');
const addon = loaded?.addon as Addon;
const mebibyte = 2 ** 20;

beforeEach((context) => {
  if (loaded === null) context.skip();
});

/** fetch = relu(feed), both of so many elements a step. */
function relu(elements: number): object {
  const buffer = { shape: [elements], dtype: 'float32' };
  return {
    batch: 0,
    arenaBytes: 0,
    buffers: [
      { ...buffer, kind: 'feed' },
      { ...buffer, kind: 'fetch' },
    ],
    instructions: [{ op: 'relu', inputs: [0], outputs: [1], attributes: {} }],
  };
}

describe('a Program', () => {
  it('counts all that it holds, and keeps the stacks of one step and of small runs', async () => {
    const before = addon.memory();
    const program = new addon.Program(relu(16 * 1024));
    const request = (steps: number) => ({ steps, feeds: [new Float32Array(steps * 16 * 1024)] });
    const held = program.bytes();
    program.runSync(request(2));
    const small = program.bytes();
    expect(small - held).toBe(2 * 2 * 65_536);
    program.runSync(request(1));
    expect(program.bytes()).toBe(small);
    const large = program.run(request(256));
    expect(program.bytes()).toBe(held + 32 * mebibyte);
    await large;
    expect(program.bytes()).toBe(held);
    program.runSync(request(256));
    expect(program.bytes()).toBe(held);
    expect(program.runSync(request(3)).fetches[0]?.length).toBe(3 * 16 * 1024);
    expect(addon.memory().bytes - before.bytes).toBe(program.bytes());
    program.dispose();
    expect(program.bytes()).toBe(0);
    const wide = new addon.Program(relu(3 * mebibyte));
    const alone = wide.bytes();
    for (let i = 0; i < 2; i++) {
      wide.runSync({ steps: 1, feeds: [new Float32Array(3 * mebibyte)] });
      expect(wide.bytes()).toBe(alone + 2 * 12 * mebibyte);
    }
    wide.dispose();
    expect(addon.memory()).toEqual(before);
  });

  it('gives the stacks of a large run back when it fails', async () => {
    const description = relu(mebibyte * 3) as { instructions: object[] };
    description.instructions.push({ op: 'checkFinite', inputs: [0], outputs: [], attributes: {} });
    const program = new addon.Program(description);
    const held = program.bytes();
    const feeds = [new Float32Array(2 * mebibyte * 3).fill(Number.NaN)];
    const wanted = { code: 'ERR_NON_FINITE', message: expect.stringMatching(/element 0 /) };
    expect(() => program.runSync({ steps: 2, feeds })).toThrow(expect.objectContaining(wanted));
    expect(program.bytes()).toBe(held);
    await expect(program.run({ steps: 2, feeds })).rejects.toMatchObject(wanted);
    expect(program.bytes()).toBe(held);
    program.dispose();
  });
});

describe('eager operators', () => {
  it.each([6, 20])('keep a bounded part of what calls of %d MB use', (megabytes) => {
    for (let i = 0; i < 24; i++) {
      const elements = (megabytes * mebibyte) / 4 + i;
      const y = ops.relu(new Tensor(new Float32Array(elements).fill(i - 1), [elements], 'float32'));
      expect(y.data[elements - 1]).toBe(Math.max(i - 1, 0));
      expect(addon.memory().bytes).toBeLessThan(128 * mebibyte);
    }
  });

  it('are computed again from kept Programs', () => {
    const call = (value: number) => ops.relu(new Tensor(Float32Array.of(value), [1], 'float32'));
    expect(call(1).data[0]).toBe(1);
    const { programs } = addon.memory();
    for (let i = 0; i < 100; i++) expect(call(i).data[0]).toBe(i);
    expect(addon.memory().programs).toBe(programs);
  });
});

describe('arrays that JavaScript has no memory for', () => {
  it('are ERR_MEMORY in both ways of running', async () => {
    // The addon takes the constructors when it is loaded: here one that finds no memory.
    const script = `
      const { parentPort, workerData } = require('node:worker_threads');
      const Real = Float32Array;
      globalThis.Float32Array = function () {
        throw new RangeError('Array buffer allocation failed');
      };
      const { Program } = require(workerData.path);
      const program = new Program(workerData.description);
      const codes = [];
      const request = { steps: 1, feeds: [new Real(4)] };
      try {
        program.runSync(request);
      } catch (error) {
        codes.push(error.code);
      }
      program
        .run(request)
        .catch((error) => codes.push(error.code))
        .then(() => {
          const into = [new Real(4)];
          codes.push(program.runSync({ ...request, into }).fetches[0] === into[0]);
          parentPort.postMessage(codes);
        });`;
    const workerData = { path: loaded?.path, description: relu(4) };
    const worker = new Worker(script, { eval: true, workerData });
    const codes = await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
    await worker.terminate();
    expect(codes).toEqual(['ERR_MEMORY', 'ERR_MEMORY', true]);
  });
});
