import type { Instruction, Program } from '../compiler/program.ts';
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

/** Elements that an instruction without multiply-adds reads for one of its operands' elements. */
function cellsOfWindow({ attributes }: Instruction): number {
  const { kernelSize } = attributes;
  return Array.isArray(kernelSize) ? kernelSize.reduce((a, b) => Number(a) * Number(b), 1) : 1;
}

/** Counts the instructions behind the prologue. */
export function countWork({ batch, buffers, instructions, prologue }: Program): StepWork {
  let [ofSamples, ofStep] = [0, 0];
  for (const instruction of instructions.slice(prologue)) {
    const { node, inputs, outputs } = instruction;
    const operands = [...inputs, ...outputs].flatMap((id) => buffers[id] ?? []);
    const batched = operands.filter((operand) => operand.batched);
    const multiplyAdds = node === null ? 0 : nodeMultiplyAdds(node);
    const cells = multiplyAdds > 0 ? 1 : cellsOfWindow(instruction);
    const elements = (list: typeof operands): number =>
      list.reduce((sum, { shape }) => sum + cells * elementCount(shape), 0);
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
