import { describe, expect, it } from 'vitest';
import { type Addon, type AddonProgram, tryAddon } from '../lib/backends/addon.ts';
import { Generator } from '../lib/random.ts';
import { elementCount } from '../lib/shape.ts';
import { allocate, type TypedArray } from '../lib/tensor.ts';
import { describeInference } from './support/inferenceProgram.ts';
import { describeOperators } from './support/operatorPrograms.ts';
import {
  type BufferDescription,
  type Description,
  describeTraining,
  type InstructionDescription,
} from './support/trainingProgram.ts';

// Descriptions of valid Programs, mutated at random, and run when the addon accepts them.
// STRIDENET_FUZZ_SEED and STRIDENET_FUZZ_CASES choose other cases; a crash ends the test's process.

const loaded = tryAddon();
if (loaded === null) console.log('skipped: fuzzing, no addon is built');
const addon = loaded?.addon as Addon;
const seed = Number(process.env.STRIDENET_FUZZ_SEED ?? 1);
const cases = Number(process.env.STRIDENET_FUZZ_CASES ?? 4000);
const known = /^ERR_(PROGRAM|DTYPE|ARGUMENT|MEMORY|NON_FINITE)$/;

/** Above this many elements a Program is not run: that would take time, not find faults. */
const maxElements = 2 ** 20;

const kinds = ['feed', 'fetch', 'state', 'constant', 'kept', 'temporary', 'view'] as const;
const dtypes = ['float32', 'float64', 'int32', 'uint8'] as const;

class Mutator {
  readonly #random: Generator;
  readonly #description: Description;

  constructor(random: Generator, description: Description) {
    this.#random = random;
    this.#description = description;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.#random.integer(list.length)] as T;
  }

  /** A number near `value`, or one of those that hurt. */
  number(value: number): number {
    const near = [value - 1, value + 1, value * 2, Math.floor(value / 2), -value, value + 64];
    return this.pick([...near, 0, 1, 2, 3, 5, 7, 16, 63, 64, 255, 1024, 65536, 2 ** 24, 2 ** 31]);
  }

  mutate(): void {
    const { buffers, instructions } = this.#description;
    if (instructions.length === 0) return;
    const choice = this.#random.integer(20);
    if (choice < 7) this.#buffer(this.pick(buffers));
    else if (choice < 14) this.#instruction(this.pick(instructions));
    else if (choice === 14)
      this.#description.arenaBytes = this.number(this.#description.arenaBytes);
    else if (choice === 15) this.#rebatch(this.number(this.#description.batch));
    else if (choice === 16)
      this.#description.prologue = this.number(this.#description.prologue ?? 1);
    else this.#list(instructions, buffers);
  }

  #buffer(buffer: BufferDescription): void {
    const id = this.#random.integer(this.#description.buffers.length);
    const { shape } = buffer;
    const axis = this.#random.integer(shape.length + 1);
    const changes: (() => void)[] = [
      () => shape.splice(axis, 1, this.number(shape[axis] ?? 1)),
      () => shape.splice(axis, 1),
      () => shape.splice(axis, 0, 1),
      () => shape.reverse(),
      () => {
        buffer.dtype = this.pick(dtypes);
      },
      () => {
        buffer.kind = this.pick(kinds);
        buffer.of ??= id;
      },
      () => {
        buffer.offset = this.pick(this.#description.buffers).offset ?? this.number(0);
      },
      () => {
        buffer.offset = this.number(buffer.offset ?? 0);
      },
      () => {
        buffer.of = id;
      },
      () => {
        buffer.batched = !buffer.batched;
      },
    ];
    this.pick(changes)();
  }

  #instruction(instruction: InstructionDescription): void {
    const { inputs, outputs, attributes } = instruction;
    const ids = this.pick([inputs, outputs]);
    const place = this.#random.integer(ids.length + 1);
    const id = this.#random.integer(this.#description.buffers.length + 2) - 1;
    const other = this.pick(this.#description.instructions);
    const changes: (() => void)[] = [
      () => ids.splice(place, 1, id),
      () => ids.splice(place, 1, id),
      () => ids.splice(place, 1),
      () => ids.push(id),
      () => ids.reverse(),
      () => {
        instruction.op = other.op;
      },
      () => Object.assign(instruction, structuredClone(other)),
      () => this.#attribute(attributes),
      () => this.#attribute(attributes),
      () => this.#attribute(attributes),
      () => {
        instruction.scratch = this.number(instruction.scratch ?? 0);
      },
    ];
    this.pick(changes)();
  }

  #attribute(attributes: InstructionDescription['attributes']): void {
    const names = Object.keys(attributes);
    if (names.length === 0) return;
    const name = this.pick(names);
    const value = attributes[name];
    if (typeof value === 'number') attributes[name] = this.number(value);
    else if (typeof value === 'boolean') attributes[name] = !value;
    else if (Array.isArray(value)) {
      const list = [...(value as number[])];
      list[this.#random.integer(list.length)] = this.number(this.pick(list));
      attributes[name] = list;
    } else
      attributes[name] = this.pick([
        'none',
        'relu',
        'relu6',
        'mean',
        'sum',
        'all',
        'split',
        'first',
      ]);
  }

  /** Another bound, everywhere it belongs, so that the Program has a chance to be accepted. */
  #rebatch(batch: number): void {
    this.#description.batch = batch;
    for (const buffer of this.#description.buffers) {
      if (buffer.batched && this.#random.integer(20) > 0) buffer.shape[0] = batch;
    }
  }

  #list(instructions: InstructionDescription[], buffers: BufferDescription[]): void {
    const [i, j] = [0, 0].map(() => this.#random.integer(instructions.length)) as [number, number];
    const changes: (() => void)[] = [
      () => instructions.splice(i, 1),
      () => instructions.splice(i, 0, structuredClone(this.pick(instructions))),
      () => instructions.splice(i, 1, ...instructions.splice(j, 1, this.pick(instructions))),
      () => buffers.push(structuredClone(this.pick(buffers))),
      // Everything moves to one place of the arena: lifetimes alone decide what is refused.
      () => {
        this.pick(buffers).offset = 0;
        this.#description.arenaBytes *= 2;
      },
    ];
    this.pick(changes)();
  }
}

/** Values for a feed or state: small integers, now and then out of the range of anything. */
function fill(array: TypedArray, random: Generator): TypedArray {
  const wild = random.integer(16) === 0;
  // Optimizers count their steps from 1.
  const least = array instanceof Float64Array ? 1 : 0;
  for (let i = 0; i < array.length; i++) array[i] = least + random.integer(3);
  for (let i = 0; wild && i < 3 && array.length > 0; i++) {
    array[random.integer(array.length)] = random.word() - 2 ** 31;
  }
  return array;
}

function runAccepted(program: AddonProgram, description: Description, random: Generator): void {
  const { buffers, batch } = description;
  const size = buffers.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  if (size > maxElements) return;
  buffers.forEach(({ kind, shape, dtype }, id) => {
    if (kind !== 'state' && kind !== 'constant') return;
    program.write(id, fill(allocate(dtype, elementCount(shape)), random));
  });
  const steps = 3;
  const feeds = buffers
    .filter(({ kind }) => kind === 'feed')
    .map(({ shape, dtype }) => fill(allocate(dtype, steps * elementCount(shape)), random));
  const sizes = Int32Array.from({ length: steps }, () =>
    Math.min(batch, Math.max(random.integer(12) === 0 ? 0 : 1, random.integer(batch + 1))),
  );
  program.runSync({ steps, feeds, batch: sizes });
  // What the prologue keeps is read again, and computed again.
  program.runSync({ steps, feeds, batch: sizes });
}

/** Mutates `base`, gives it to the addon, and runs what is accepted. */
function tryMutant(name: string, base: Description): 'refused' | 'failed' | 'ran' {
  const random = new Generator(seed, name);
  const description = structuredClone(base);
  const mutator = new Mutator(random, description);
  for (let left = 1 + random.integer(3); left > 0; left--) mutator.mutate();
  let program: AddonProgram | null = null;
  try {
    program = new addon.Program(description);
    runAccepted(program, description, random);
    return 'ran';
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    expect(code, `seed ${seed}, ${name}: ${message}`).toMatch(known);
    return program === null ? 'refused' : 'failed';
  } finally {
    program?.dispose();
  }
}

describe.skipIf(loaded === null)('mutated Programs are refused with a code or run', () => {
  const bases: [string, () => Description[]][] = [
    ['of a training step', () => [describeTraining()]],
    ['of every operator', describeOperators],
    ['of inference', () => [describeInference()]],
  ];
  it.each(bases)('%s', { timeout: 300_000 }, (name, describeBases) => {
    const programs = addon.memory().programs;
    const described = describeBases();
    const counts = { refused: 0, failed: 0, ran: 0 };
    for (let number = 0; number < cases; number++) {
      const base = described[number % described.length] as Description;
      counts[tryMutant(`${name}, case ${number}`, base)]++;
    }
    console.log(`mutants ${name}, seed ${seed}: ${JSON.stringify(counts)}`);
    expect(counts.ran).toBeGreaterThan(cases / 20);
    expect(counts.refused).toBeGreaterThan(cases / 20);
    expect(addon.memory().programs).toBe(programs);
  });
});
