import { type Shape, sameShape } from '../shape.ts';
import type { HoistedProgram } from './hoist.ts';
import { bufferBytes, type Program } from './program.ts';

const alignment = 64;

interface Interval {
  /** Buffers that live here, one after the other in place. */
  readonly buffers: number[];
  readonly bytes: number;
  first: number;
  last: number;
  offset: number;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

/** The temporaries' intervals; an output takes over its input's where the operator works in place. */
function intervals(program: HoistedProgram): Interval[] {
  const { buffers, instructions } = program;
  const root = (id: number): number => buffers[id]?.of ?? id;
  const isTemporary = (id: number): boolean => id >= 0 && buffers[id]?.kind === 'temporary';
  const shapeOf = (id: number): Shape => (buffers[id] as (typeof buffers)[number]).shape;
  const lastRead = new Map<number, number>();
  instructions.forEach(({ inputs, outputs }, i) => {
    for (const id of [...inputs, ...outputs]) if (id >= 0) lastRead.set(root(id), i);
  });
  const of = new Map<number, Interval>();
  const all: Interval[] = [];
  instructions.forEach(({ inputs, outputs, inPlace }, i) => {
    outputs.forEach((output, o) => {
      const id = output < 0 ? -1 : root(output);
      if (!isTemporary(id) || of.has(id)) return;
      const bytes = aligned(bufferBytes(buffers[id] as (typeof buffers)[number]));
      const last = lastRead.get(id) ?? i;
      const donor = inPlace
        .filter(([to]) => to === o)
        .map(([, from]) => inputs[from] as number)
        .filter((input) => input >= 0 && isTemporary(root(input)))
        .filter((input) => sameShape(shapeOf(input), shapeOf(output)))
        .filter(
          (input) =>
            inputs.filter((other) => other >= 0 && root(other) === root(input)).length === 1,
        )
        .map((input) => of.get(root(input)))
        .find(
          (interval) => interval !== undefined && interval.last === i && interval.bytes === bytes,
        );
      if (donor !== undefined) {
        donor.buffers.push(id);
        donor.last = last;
        of.set(id, donor);
        return;
      }
      const interval = { buffers: [id], bytes, first: i, last, offset: 0 };
      all.push(interval);
      of.set(id, interval);
    });
  });
  return all;
}

/** Intervals that have their place, by rising offset. */
class Placed {
  readonly #first: Int32Array;
  readonly #last: Int32Array;
  readonly #offset: Float64Array;
  readonly #end: Float64Array;
  #count = 0;

  constructor(capacity: number) {
    this.#first = new Int32Array(capacity);
    this.#last = new Int32Array(capacity);
    this.#offset = new Float64Array(capacity);
    this.#end = new Float64Array(capacity);
  }

  /** The lowest offset at which nothing placed is alive while `interval` is. */
  lowest({ first, last, bytes }: Interval): number {
    const [firsts, lasts, offsets, ends] = [this.#first, this.#last, this.#offset, this.#end];
    const count = this.#count;
    let offset = 0;
    for (let i = 0; i < count; i++) {
      if ((offsets[i] as number) - offset >= bytes) break;
      const apart = (firsts[i] as number) > last || (lasts[i] as number) < first;
      if (!apart && (ends[i] as number) > offset) offset = ends[i] as number;
    }
    return offset;
  }

  add({ first, last, offset, bytes }: Interval): void {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#offset[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    const [at, end] = [low, this.#count++];
    for (const column of [this.#first, this.#last, this.#offset, this.#end]) {
      column.copyWithin(at + 1, at, end);
    }
    this.#first[at] = first;
    this.#last[at] = last;
    this.#offset[at] = offset;
    this.#end[at] = offset + bytes;
  }
}

/** The lowest place of each interval, largest first, that no interval alive at the same time has. */
function place(list: Interval[]): number {
  const placed = new Placed(list.length);
  let end = 0;
  for (const interval of [...list].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    interval.offset = placed.lowest(interval);
    placed.add(interval);
    end = Math.max(end, interval.offset + interval.bytes);
  }
  return end;
}

/**
 * Gives every temporary and every scratch its place in one arena by lifetime: first write to last
 * read. With `reuse` off each has its own place (for tests).
 */
export function planMemory(program: HoistedProgram, options: { reuse?: boolean } = {}): Program {
  const { reuse = true } = options;
  const temporaries = intervals(program);
  const scratches = program.instructions.map(({ scratchBytes }, i) => ({
    buffers: [],
    bytes: aligned(scratchBytes),
    first: i,
    last: i,
    offset: 0,
  }));
  const needed = [...temporaries, ...scratches.filter(({ bytes }) => bytes > 0)];
  if (!reuse) {
    for (const interval of needed) {
      interval.first = 0;
      interval.last = program.instructions.length;
    }
  }
  const arenaBytes = place(needed);
  for (const { buffers, offset } of temporaries) {
    for (const id of buffers) (program.buffers[id] as { offset?: number }).offset = offset;
  }
  program.instructions.forEach((instruction, i) => {
    if (instruction.scratchBytes > 0) instruction.scratch = scratches[i]?.offset ?? 0;
  });
  return { ...program, arenaBytes };
}
