import { describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { referenceBackend } from '../lib/backends/reference.ts';
import { compileProgram, optimize, type PassOptions } from '../lib/compiler/compile.ts';
import { removeDeadCode } from '../lib/compiler/deadCode.ts';
import { fuseActivations } from '../lib/compiler/fuse.ts';
import { chooseLayouts } from '../lib/compiler/layout.ts';
import type { LoweredCall } from '../lib/compiler/lower.ts';
import { bufferBytes, type Program } from '../lib/compiler/program.ts';
import { gradients } from '../lib/graph/differentiate.ts';
import { type Graph, Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Variable } from '../lib/ops/operator.ts';
import { Generator } from '../lib/random.ts';
import { backends, relativeDistance } from './support/networks.ts';

const { conv2d, linear, maxPool2d, relu, flatten, softmaxCrossEntropy, add } = sn.ops;

function random(
  shape: number[],
  seed: number,
  dtype: 'float32' | 'float64' = 'float32',
): sn.Tensor {
  const generator = new Generator(seed);
  const tensor = sn.zeros(shape, dtype);
  for (let i = 0; i < tensor.size; i++) tensor.data[i] = 2 * generator.uniform() - 1;
  return tensor;
}

type Six = readonly [Variable, Variable, Variable, Variable, Variable, Variable];

const batch = 6;
const shapes = {
  x: [batch, 3, 12, 12],
  w1: [8, 3, 3, 3],
  b1: [8],
  w2: [5, 8, 2, 2],
  w3: [7, 5 * 4 * 4],
  b3: [7],
};

function network(
  x: Variable,
  w1: Variable,
  b1: Variable,
  w2: Variable,
  w3: Variable,
  b3: Variable,
): Variable {
  const first = maxPool2d(relu(conv2d(x, w1, b1, { padding: 1 })), { kernelSize: 2 });
  const second = relu(
    conv2d(first, w2, null, {
      padding: [
        [0, 1],
        [1, 0],
      ],
    }),
  );
  return linear(flatten(maxPool2d(second, { kernelSize: 3, stride: 1 })), w3, b3);
}

/** Loss and all gradients of a network with two convolutions, pools and a dense layer. */
function trainingGraph(): { graph: Graph; feeds: sn.Tensor[] } {
  const tracer = new Tracer();
  const variables = Object.entries(shapes).map(([name, shape]) =>
    tracer.input({ shape, dtype: 'float32', batched: name === 'x' }),
  );
  const labels = tracer.input({ shape: [batch], dtype: 'int32', batched: true });
  const [x, w1, b1, w2, w3, b3] = variables as readonly Variable[] as Six;
  const logits = network(x, w1, b1, w2, w3, b3);
  const loss = softmaxCrossEntropy(logits, labels);
  const graph = tracer.graph([loss, logits, ...(gradients(loss, variables) as Variable[])]);
  const feeds = Object.values(shapes).map((shape, i) => random(shape, 10 + i));
  return { graph, feeds: [...feeds, sn.tensor([0, 6, 3, 3, 1, 5], [batch], 'int32')] };
}

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
});

const combinations: PassOptions[] = [true, false].flatMap((fuse) =>
  [true, false].flatMap((deadCode) => [true, false].map((reuse) => ({ fuse, deadCode, reuse }))),
);

describe.each(backends)('every pass on and off on %s', (backend) => {
  const { graph, feeds } = trainingGraph();
  const request = { steps: 1, feeds: feeds.map(({ data }) => data) };
  const expected = referenceBackend.prepare(graph).runSync(request).fetches;

  it.each(combinations)('%o', (passes) => {
    const program = backendOf(backend).prepare(graph, { passes });
    const { fetches } = program.runSync(request);
    fetches.forEach((values, i) => {
      const shape = [values.length];
      const distance = relativeDistance(
        new sn.Tensor(values, shape, 'float32'),
        new sn.Tensor(expected[i] as Float32Array, shape, 'float32'),
      );
      expect(distance, `output ${i}`).toBeLessThanOrEqual(1e-6);
    });
    program.dispose();
  });

  it('serves smaller batches with one Program', () => {
    const program = backendOf(backend).prepare(graph);
    const wide = { ...request, steps: 3, batch: Int32Array.from([6, 2, 0]) };
    const stacked = feeds.map((feed) => {
      const data = feed.data.constructor as Float32ArrayConstructor;
      const all = new data(3 * feed.size);
      for (let step = 0; step < 3; step++) all.set(feed.data as Float32Array, step * feed.size);
      return all;
    });
    const { fetches } = program.runSync({ ...wide, feeds: stacked });
    const logits = fetches[1] as Float32Array;
    expect([...logits.slice(42, 56)]).toEqual([...logits.slice(0, 14)]);
    expect(Number.isNaN(fetches[0]?.[2])).toBe(true);
    expect((fetches[3] as Float32Array).slice(-216).every((value) => value === 0)).toBe(true);
    program.dispose();
  });

  it('keeps the old value of a state for whoever reads an alias of it', () => {
    const tracer = new Tracer();
    const s = tracer.input({ shape: [2, 2], dtype: 'float32' }, 'state');
    const flat = sn.ops.reshape(s as Variable, [4]);
    const next = relu(s as Variable);
    const sum = add(flat, sn.ops.reshape(next, [4]));
    const program = backendOf(backend).prepare(
      tracer.graph([sum], [{ state: s, value: next as never }]),
    );
    program.write(
      0,
      sn.tensor([
        [-1, 2],
        [-3, 4],
      ]),
    );
    const { fetches } = program.runSync({ steps: 2, feeds: [] });
    expect([...(fetches[0] as Float32Array)]).toEqual([-1, 4, -3, 8, 0, 4, 0, 8]);
    program.dispose();
  });

  it('swaps states', () => {
    const tracer = new Tracer();
    const a = tracer.input({ shape: [2], dtype: 'float32' }, 'state');
    const b = tracer.input({ shape: [2], dtype: 'float32' }, 'state');
    const program = backendOf(backend).prepare(
      tracer.graph(
        [],
        [
          { state: a, value: b },
          { state: b, value: a },
        ],
      ),
    );
    program.write(0, sn.tensor([1, 2]));
    program.write(1, sn.tensor([3, 4]));
    program.runSync({ steps: 3, feeds: [] });
    expect([...program.read(0).data, ...program.read(1).data]).toEqual([3, 4, 1, 2]);
    program.dispose();
  });
});
