import { setTimeout } from 'node:timers/promises';
import { type Bound, boundOf, type Peaks } from './roofline.ts';
import { pairedRatio, type Ratio, type Summary, summarize } from './statistics.ts';
import type { Task, Work } from './tasks.ts';
import { type Library, type Ready, Unsupported, Worker } from './worker.ts';

/** One line of a table. */
export interface Row {
  readonly title: string;
  readonly task: Task;
  readonly work: Work;
  /** What a second's worth is counted in: operations, or images and how many a repetition has. */
  readonly unit: 'GFLOP/s' | 'images/s';
  readonly amount: number;
  /** Where they are not those of the whole run. */
  readonly threads?: number;
}

/** What one library did in one row. */
export type Outcome =
  | {
      readonly status: 'measured';
      readonly name: string;
      /** Of one repetition, in seconds. */
      readonly seconds: Summary;
      /** Its time over ours; absent for ours. */
      readonly ratio?: Ratio;
      /** Which of its choices was the fastest. */
      readonly note: string;
    }
  | { readonly status: 'unsupported' | 'failed'; readonly name: string; readonly note: string };

/** A row as it was measured; the first outcome is ours. */
export interface RowResult {
  readonly title: string;
  readonly unit: Row['unit'];
  readonly amount: number;
  readonly threads: number;
  readonly task: Task;
  readonly work: Work;
  readonly bound: Bound;
  /** The bound over our median. */
  readonly fraction: number | null;
  readonly outcomes: readonly Outcome[];
}

/** How long and how often. */
export interface Pace {
  /** For each library in each row, beside its warm-up. */
  readonly seconds: number;
  /** How often the libraries take turns. */
  readonly rounds: number;
}

/** The processes of some libraries, started when they are first asked for. */
export class Workers {
  readonly libraries: readonly Library[];
  readonly #running = new Map<string, Worker>();

  constructor(libraries: readonly Library[]) {
    this.libraries = libraries;
  }

  /** The library's process; a new one when the last has ended, or has other threads. */
  async of(library: Library, threads: number): Promise<Worker> {
    const key = `${library.name}, ${threads}`;
    const known = this.#running.get(key);
    if (known !== undefined && !known.ended) return known;
    const worker = await Worker.start(library, threads);
    this.#running.set(key, worker);
    return worker;
  }

  close(): void {
    for (const worker of this.#running.values()) worker.close();
    this.#running.clear();
  }
}

interface Entrant {
  readonly library: Library;
  readonly worker: Worker;
  readonly ready: Ready;
  readonly rounds: number[][];
  seconds: number;
  failure: string | null;
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A library ready for the row; or why it is not. */
async function enter(
  library: Library,
  row: Row,
  { workers, threads }: { workers: Workers; threads: number },
): Promise<Entrant | Outcome> {
  try {
    const worker = await workers.of(library, threads);
    const ready = await worker.prepare(row.task);
    const { parameters } = ready;
    const expected = row.work.parameters;
    if (typeof parameters === 'number' && expected !== undefined && parameters !== expected) {
      throw new Error(`another network: ${parameters} parameters, not ${expected}`);
    }
    return { library, worker, ready, rounds: [], seconds: 0, failure: null };
  } catch (error) {
    const status = error instanceof Unsupported ? 'unsupported' : 'failed';
    return { status, name: library.name, note: said(error) };
  }
}

/** Before a turn: the threads of whoever came before may spin on for a while. */
const restMilliseconds = 100;

/** One turn of each that has time left: who is far slower than the rest gets fewer. */
async function takeTurns(entrants: readonly Entrant[], { seconds, rounds }: Pace): Promise<void> {
  for (const entrant of entrants) {
    if (entrant.failure !== null || (entrant.rounds.length > 0 && entrant.seconds > 2 * seconds)) {
      continue;
    }
    await setTimeout(restMilliseconds);
    const start = performance.now();
    try {
      entrant.rounds.push(await entrant.worker.measure(seconds / rounds, 1));
    } catch (error) {
      entrant.failure = said(error);
    }
    entrant.seconds += (performance.now() - start) / 1000;
  }
}

function outcomeOf(entrant: Entrant, ours: Entrant | undefined): Outcome {
  const { library, ready, rounds, failure } = entrant;
  if (failure !== null || rounds.length === 0) {
    return { status: 'failed', name: library.name, note: failure ?? 'no times' };
  }
  const own = { name: library.name, seconds: summarize(rounds.flat()), note: ready.note ?? '' };
  const isPeer = ours !== undefined && ours !== entrant && ours.failure === null;
  const ratio = isPeer ? { ratio: pairedRatio(ours.rounds, rounds) } : {};
  return { status: 'measured', ...own, ...ratio };
}

/**
 * Every library at one row, in turns: each measures for a part of its time, then the next, so that a
 * machine whose pace wanders slows all of them down.
 */
export async function compareRow(
  row: Row,
  options: Pace & { workers: Workers; peaks: Peaks },
): Promise<RowResult> {
  const { workers, peaks, rounds } = options;
  const { threads } = peaks;
  const entered: (Entrant | Outcome)[] = [];
  for (const library of workers.libraries) {
    entered.push(await enter(library, row, { workers, threads }));
  }
  const entrants = entered.filter((each): each is Entrant => 'worker' in each);
  for (let round = 0; round < rounds; round++) await takeTurns(entrants, options);
  const ours = entrants.find(({ library }) => library === workers.libraries[0]);
  const outcomes = entered.map((each) => ('worker' in each ? outcomeOf(each, ours) : each));
  const bound = boundOf(row.work, peaks);
  const [first] = outcomes;
  const fraction = first?.status === 'measured' ? bound.seconds / first.seconds.median : null;
  const { title, unit, amount, task, work } = row;
  return { title, unit, amount, threads, task, work, bound, fraction, outcomes };
}
