import { NativeExecutable } from '../lib/backends/native.ts';
import type { Instruction, Program } from '../lib/compiler/program.ts';
import { nodeMultiplyAdds } from '../lib/graph/cost.ts';
import { type Graph, Tracer } from '../lib/graph/graph.ts';
import type * as sn from '../lib/index.ts';
import type { TypedArray } from '../lib/tensor.ts';
import { parameterInputs } from '../lib/train/inputs.ts';
import { numbersOf } from '../lib/train/numbers.ts';
import { learnedParameters, traceStep } from '../lib/train/step.ts';
import type { Subject } from './networks.ts';
import { formatTable } from './table.ts';
import { trainingStep } from './work.ts';

/** What one instruction of a training step costs. */
interface InstructionTime {
  readonly op: string;
  /** The layer it belongs to; empty for the loss, updates and copies. */
  readonly scope: string;
  /** Shapes as stored of the inputs and outputs; – for those that are absent. */
  readonly shapes: string;
  /** In the step where it took least. */
  readonly milliseconds: number;
  readonly multiplyAdds: number;
}

function shapesOf({ buffers }: Program, { inputs, outputs }: Instruction): string {
  const shape = (id: number): string => (id < 0 ? '–' : (buffers[id]?.shape.join('x') ?? ''));
  return `${inputs.map(shape).join(' ')} → ${outputs.map(shape).join(' ')}`;
}

/** How a profile is taken. */
interface ProfileOptions {
  readonly threads: number;
  readonly seconds: number;
  /** Default: the subject's, of inference 1. */
  readonly batch?: number;
  readonly isa?: string;
  readonly winograd: boolean;
}

/** A graph with its states written, ready to be measured. */
function prepared(
  tracer: Tracer,
  graph: Graph,
  values: ReadonlyMap<string, sn.Tensor>,
  { threads, isa, winograd }: ProfileOptions,
): NativeExecutable {
  const program = new NativeExecutable(graph, {
    ...{ threads, profile: true, passes: { winograd } },
    ...(isa === undefined ? {} : { isa }),
  });
  tracer.inputs
    .filter(({ role }) => role === 'state')
    .forEach(({ variable }, i) => {
      const value = values.get(variable.name ?? '');
      if (value !== undefined) program.write(i, value);
    });
  return program;
}

/** Steps for about `seconds`: the fastest time of each instruction. */
function measured(
  program: NativeExecutable,
  feeds: readonly TypedArray[],
  seconds: number,
): InstructionTime[] {
  const { instructions, prologue } = program.program;
  const fastest = new Float64Array(instructions.length).fill(Number.POSITIVE_INFINITY);
  const end = performance.now() + seconds * 1000;
  let before = program.seconds();
  for (let steps = 0; steps < 3 || performance.now() < end; steps++) {
    program.runSync({ steps: 1, feeds });
    const after = program.seconds();
    for (let i = prologue; i < fastest.length; i++) {
      const taken = (after[i] as number) - (before[i] as number);
      fastest[i] = Math.min(fastest[i] as number, taken);
    }
    before = after;
  }
  const times = instructions.map((instruction, i) => ({
    op: instruction.op,
    scope: instruction.node?.scope ?? '',
    shapes: shapesOf(program.program, instruction),
    milliseconds: (fastest[i] as number) * 1000,
    multiplyAdds: instruction.node === null ? 0 : nodeMultiplyAdds(instruction.node),
  }));
  program.dispose();
  return times.slice(prologue);
}

/** Training steps of a network for about `seconds`, instruction by instruction. */
export function profileTraining(subject: Subject, options: ProfileOptions): InstructionTime[] {
  const { seconds, batch = subject.batch } = options;
  const net = subject.build({ seed: 1 });
  const step = trainingStep(net, subject, batch);
  const { data } = step;
  const { tracer, outputs, updates, feeds: numbers } = traceStep(step, learnedParameters(step));
  const graph = tracer.graph(outputs as Parameters<typeof tracer.graph>[0], updates);
  const values = new Map<string, sn.Tensor>(net.parameters());
  values.set('data.x', data.x as sn.Tensor).set('data.y', data.y as sn.Tensor);
  const indices = Int32Array.from({ length: batch }, (_, i) => i);
  const first = numbersOf({
    ...{ step: 0, sizes: Int32Array.of(batch), accumulate: 1 },
    factor: () => 1,
  });
  const feeds = [indices, ...numbers.map((feed) => feed(first))];
  return measured(prepared(tracer, graph, values, options), feeds, seconds);
}

/** The same for inference: what `predict` runs for one batch, the prologue aside. */
export function profileInference(subject: Subject, options: ProfileOptions): InstructionTime[] {
  const { seconds, batch = 1 } = options;
  const network = subject.build({ seed: 1 });
  const tracer = new Tracer();
  const values = parameterInputs(tracer, network.architecture);
  const shape = [batch, ...network.architecture.inputShape];
  const x = tracer.input({ shape, dtype: 'float32', batched: true });
  const graph = tracer.graph([network.architecture.forward(x, values)]);
  const feed = Float32Array.from({ length: x.size }, (_, i) => (i % 256) / 255);
  return measured(prepared(tracer, graph, network.parameters(), options), [feed], seconds);
}

/** A profile as a table: the slowest `rows` instructions, and the operators' totals. */
export function formatProfile(times: readonly InstructionTime[], rows: number): string {
  const total = times.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const cells = (name: string, milliseconds: number, multiplyAdds: number): string[] => [
    name,
    milliseconds.toFixed(3),
    `${((100 * milliseconds) / total).toFixed(1)} %`,
    multiplyAdds === 0 ? '' : ((2 * multiplyAdds) / milliseconds / 1e6).toFixed(0),
  ];
  const sums = new Map<string, { milliseconds: number; multiplyAdds: number }>();
  for (const { op, milliseconds, multiplyAdds } of times) {
    const sum = sums.get(op) ?? { milliseconds: 0, multiplyAdds: 0 };
    sum.milliseconds += milliseconds;
    sum.multiplyAdds += multiplyAdds;
    sums.set(op, sum);
  }
  const slowest = (a: { milliseconds: number }, b: { milliseconds: number }): number =>
    b.milliseconds - a.milliseconds;
  const header = ['ms', 'share', 'GFLOP/s'];
  return [
    `${total.toFixed(2)} ms a step`,
    formatTable(
      ['operator', ...header],
      [...sums]
        .sort(([, a], [, b]) => slowest(a, b))
        .map(([op, sum]) => cells(op, sum.milliseconds, sum.multiplyAdds)),
    ),
    formatTable(
      ['instruction', ...header],
      [...times]
        .sort(slowest)
        .slice(0, rows)
        .map(({ op, scope, shapes, milliseconds, multiplyAdds }) =>
          cells(`${op} ${scope} ${shapes}`, milliseconds, multiplyAdds),
        ),
    ),
  ].join('\n\n');
}
