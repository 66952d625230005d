import { describe, expect, it } from 'vitest';
import { compileProgram, optimize } from '../lib/compiler/compile.ts';
import { removeDeadCode } from '../lib/compiler/deadCode.ts';
import { fuseActivations } from '../lib/compiler/fuse.ts';
import { chooseLayouts } from '../lib/compiler/layout.ts';
import type { LoweredCall } from '../lib/compiler/lower.ts';
import { bufferBytes, type Program } from '../lib/compiler/program.ts';
import { type Graph, Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Variable } from '../lib/ops/operator.ts';
import { random, shapes, trainingGraph } from './support/graphs.ts';

const { conv2d, relu, add } = sn.ops;

function names(graph: Graph): string[] {
  return graph.nodes.map(({ operator }) => operator.name);
}

/** Scratch of made sizes, so that planning has something to place without an addon. */
const madeScratch = ({ inputs }: LoweredCall): number => 100 * inputs.length;

/** Throws unless no two live temporaries or scratches of any instruction overlap. */
function checkPlan(program: Program): void {
  const root = (id: number): number => program.buffers[id]?.of ?? id;
  const spans = new Map<number, { first: number; last: number }>();
  program.instructions.forEach(({ inputs, outputs }, i) => {
    for (const id of [...inputs, ...outputs].filter((each) => each >= 0).map(root)) {
      if (program.buffers[id]?.kind !== 'temporary') continue;
      const span = spans.get(id) ?? { first: i, last: i };
      spans.set(id, { first: span.first, last: i });
    }
  });
  const places = [...spans].map(([id, span]) => {
    const begin = program.buffers[id]?.offset as number;
    const end = begin + bufferBytes(program.buffers[id] as (typeof program.buffers)[number]);
    return { id, ...span, begin, end };
  });
  program.instructions.forEach(({ scratch, scratchBytes }, i) => {
    if (scratch === undefined) return;
    places.push({ id: -1 - i, first: i, last: i, begin: scratch, end: scratch + scratchBytes });
  });
  for (const a of places) {
    expect(a.begin % 64).toBe(0);
    expect(a.end).toBeLessThanOrEqual(program.arenaBytes);
    for (const b of places) {
      if (a.id >= b.id || a.end <= b.begin || b.end <= a.begin) continue;
      const handover = a.last === b.first || b.last === a.first;
      const apart = a.last < b.first || b.last < a.first;
      const at = program.instructions[a.last === b.first ? a.last : b.last];
      const inPlace = handover && a.begin === b.begin && (at?.inPlace.length ?? 0) > 0;
      expect(apart || inPlace, `buffers ${a.id} and ${b.id} overlap`).toBe(true);
    }
  }
}

describe('dead code', () => {
  it('drops what no output needs and keeps what has an effect', () => {
    const tracer = new Tracer();
    const x = tracer.input({ shape: [2, 2], dtype: 'float32' });
    relu(x);
    const y = add(x, random([2, 2], 1));
    add(y, random([2, 2], 2));
    tracer.record(
      { name: 'watch', inputs: ['x'], outputs: [], effect: true, infer: () => [] },
      [x],
      {},
    );
    const pruned = removeDeadCode(tracer.graph([y]));
    expect(names(pruned)).toEqual(['add', 'watch']);
    expect(pruned.constants.size).toBe(1);
  });
});

describe('fusion', () => {
  it('joins convolution, bias and ReLU, and keeps the parts for the reference', () => {
    const graph = fuseActivations(
      sn.trace((x: Variable) => relu(conv2d(x, random(shapes.w1, 1))), {
        shape: shapes.x,
        dtype: 'float32',
      }),
    );
    expect(names(graph)).toEqual(['conv2d']);
    expect(graph.nodes[0]?.attributes.activation).toBe('relu');
    expect(graph.nodes[0]?.parts?.map(({ operator }) => operator.name)).toEqual(['conv2d', 'relu']);
  });

  it('leaves a value alone that something else reads', () => {
    const twice = sn.trace(
      (x: Variable) => {
        const y = conv2d(x, random(shapes.w1, 1));
        return [relu(y), y];
      },
      { shape: shapes.x, dtype: 'float32' },
    );
    expect(names(fuseActivations(twice))).toEqual(['conv2d', 'relu']);
  });
});

describe('layouts', () => {
  it('change at the borders of the graph and nowhere in between', () => {
    const { graph } = trainingGraph();
    const laidOut = chooseLayouts(optimize(graph));
    const reformats = laidOut.nodes.filter(({ operator }) => operator.name === 'reformat');
    const inputs = new Set(graph.inputs.map(({ variable }) => variable));
    const outputs = new Set(laidOut.outputs);
    for (const {
      inputs: [x],
      outputs: [y],
    } of reformats) {
      expect(inputs.has(x as never) || outputs.has(y as never)).toBe(true);
    }
    expect(reformats).toHaveLength(2);
    const dense = laidOut.nodes.filter(({ operator }) => operator.name.startsWith('linear'));
    expect(dense.map(({ attributes }) => attributes.channelsLast)).toEqual([5, 5, 5]);
  });
});

describe('the memory plan', () => {
  it('overlaps nothing that is alive at the same time, and reuses memory', () => {
    const { graph } = trainingGraph();
    const planned = compileProgram(graph, madeScratch);
    const apart = compileProgram(graph, madeScratch, { reuse: false });
    checkPlan(planned);
    checkPlan(apart);
    expect(planned.arenaBytes).toBeLessThan(0.8 * apart.arenaBytes);
  });

  it('updates a state where it stands, after its last reader', () => {
    const tracer = new Tracer();
    const p = tracer.input({ shape: [4], dtype: 'float32' }, 'state');
    const velocity = tracer.input({ shape: [4], dtype: 'float32' }, 'state');
    const rate = tracer.input({ shape: [], dtype: 'float64' });
    const settings = { momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false };
    const [next, moved] = sn.ops.sgdUpdate<Variable, Variable>(
      p,
      relu(p),
      velocity,
      rate,
      settings,
    );
    const doubled = add(p, p);
    const program = compileProgram(
      tracer.graph(
        [doubled],
        [
          { state: p, value: next as never },
          { state: velocity, value: moved as never },
        ],
      ),
      madeScratch,
    );
    expect(program.instructions.map(({ op }) => op)).toEqual(['relu', 'add', 'sgdUpdate']);
    expect(program.instructions[2]?.outputs).toEqual([program.states[0], program.states[1]]);
  });

  it('works in place only on an operand of the same shape', () => {
    // One element each, but shapes () and (1).
    const power = sn.valueAndGrad((a, b) => sn.ops.sum(sn.ops.pow(a, b)));
    const { grads } = power(sn.tensor([4], [1]), sn.tensor(3, []));
    expect(grads.map((grad) => grad?.data[0])).toEqual([48, Math.fround(64 * Math.log(4))]);
  });
});

describe('lowering', () => {
  it('fetches a value that is two outputs twice', async () => {
    const total = sn.valueAndGrad((a, b) => sn.ops.sum(add(a, b)));
    const { grads } = total(random([5], 1), random([5], 2));
    const ones = new Float32Array(5).fill(1);
    expect(grads.map((grad) => grad?.data)).toEqual([ones, ones]);
    const twice = sn.compile((x) => Array(2).fill(relu(x)));
    const results = await twice(sn.tensor([-1, 2]));
    expect([results].flat().map(({ data }) => [...data])).toEqual([
      [0, 2],
      [0, 2],
    ]);
  });
});
