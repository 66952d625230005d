import type { Program } from '../compiler/program.ts';
import { nodeMultiplyAdds } from '../graph/cost.ts';
import { elementCount } from '../shape.ts';
import type { RunRequest } from './backend.ts';

/** Counted work up to which a run takes about 100 µs at most: less than handing it over and back. */
const mostWork = 2e6;

/** Milliseconds of such runs in one turn of the event loop. */
const mostMilliseconds = 1;

/** The multiply-adds of a step and the elements of its operands: of a sample, and of any batch. */
export interface StepWork {
  readonly ofSample: number;
  readonly ofStep: number;
}

/** Counts the instructions behind the prologue. */
export function countWork({ batch, buffers, instructions, prologue }: Program): StepWork {
  let [ofSamples, ofStep] = [0, 0];
  for (const { node, inputs, outputs } of instructions.slice(prologue)) {
    const operands = [...inputs, ...outputs].flatMap((id) => buffers[id] ?? []);
    const batched = operands.filter((operand) => operand.batched);
    const elements = (list: typeof operands): number =>
      list.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    const multiplyAdds = node === null ? 0 : nodeMultiplyAdds(node);
    ofSamples += elements(batched) + (batched.length > 0 ? multiplyAdds : 0);
    ofStep += elements(operands) - elements(batched) + (batched.length > 0 ? 0 : multiplyAdds);
  }
  return { ofSample: ofSamples / Math.max(1, batch), ofStep };
}

let spent = 0;
let waiting = false;

/** Whether a run is so short, and so few came before it in this turn, that it may run at once. */
export function runsInline(work: StepWork, batch: number, request: RunRequest): boolean {
  if (spent >= mostMilliseconds) return false;
  const samples = request.batch?.reduce((sum, size) => sum + size, 0) ?? request.steps * batch;
  return work.ofSample * samples + work.ofStep * request.steps <= mostWork;
}

/** Runs `body` on this thread and counts its time; the next turn of the event loop begins anew. */
export function runInline<T>(body: () => T): T {
  const start = performance.now();
  try {
    return body();
  } finally {
    spent += performance.now() - start;
    if (!waiting) {
      waiting = true;
      setImmediate(() => {
        spent = 0;
        waiting = false;
      });
    }
  }
}
