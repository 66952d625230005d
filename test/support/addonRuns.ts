import { afterAll, beforeAll, expect } from 'vitest';
import { type Addon, type AddonProgram, tryAddon } from '../../lib/backends/addon.ts';
import type { RunRequest } from '../../lib/backends/backend.ts';
import { type Description, describeTraining, sizes } from './trainingProgram.ts';

const loaded = tryAddon();

/** Whether there is an addon; tests of it are skipped else. */
export const built = loaded !== null;

export const addon = loaded?.addon as Addon;

const { batch, rows, classes } = sizes;

/** Ids of the states of the training Program, in the order in which it was traced. */
export const states = {
  weight: 0,
  bias: 1,
  dense: 2,
  velocity: 3,
  m: 4,
  v: 5,
  images: 6,
  labels: 7,
};

const made: AddonProgram[] = [];

/** Frees what `make` made after all tests of a file, and expects no other Program to be left. */
export function freeAtTheEnd(): void {
  let programs = 0;
  beforeAll(() => {
    programs = addon?.memory().programs ?? 0;
  });
  afterAll(() => {
    for (const each of made) each.dispose();
    expect(addon?.memory().programs ?? 0).toBe(programs);
  });
}

/** A Program in the addon. */
export function make(description: Description): AddonProgram {
  const result = new addon.Program(description);
  made.push(result);
  return result;
}

/** The training Program with weights and data. */
export function training(): AddonProgram {
  const result = make(describeTraining());
  const wave = (size: number): Float32Array =>
    Float32Array.from({ length: size }, (_, i) => Math.sin(i));
  result.write(states.weight, wave(72));
  result.write(states.dense, wave(108));
  result.write(
    states.images,
    Uint8Array.from({ length: rows * 128 }, (_, i) => (i * 37) & 255),
  );
  result.write(
    states.labels,
    Uint8Array.from({ length: rows }, (_, i) => i % classes),
  );
  return result;
}

/** Steps of the training Program. */
export function request(steps: number, change: object = {}): RunRequest {
  return {
    steps,
    feeds: [
      Int32Array.from({ length: steps * batch }, (_, i) => i % rows),
      Float64Array.from({ length: steps }, (_, i) => i + 1),
      new Float64Array(steps).fill(0.01),
    ],
    ...change,
  };
}

/** The first weights of the training Program. */
export function weightsOf(program: AddonProgram): number[] {
  const into = new Float32Array(72);
  program.read(states.weight, into);
  return [...into];
}
