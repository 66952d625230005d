import { describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { referenceBackend } from '../lib/backends/reference.ts';
import type { PassOptions } from '../lib/compiler/compile.ts';
import { removeDeadCode } from '../lib/compiler/deadCode.ts';
import { Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Variable } from '../lib/ops/operator.ts';
import { stepGraph, steps, trainingGraph } from './support/graphs.ts';
import { backends, relativeDistance } from './support/networks.ts';
import { combinationsOf } from './support/passes.ts';

const { relu, add } = sn.ops;

/** Of all passes but folding, which finds nothing here: test/inference.test.ts. */
const combinations = combinationsOf(['fuse', 'deadCode', 'hoist', 'layout', 'reuse']);

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

/** What some steps left: the losses, the counts and every state. */
function train(
  { graph, feeds, states }: ReturnType<typeof stepGraph>,
  backend: sn.BackendName,
  passes: PassOptions,
): { values: sn.Tensor[]; correct: number[] } {
  const program = backendOf(backend).prepare(graph, { passes });
  try {
    for (const [i, value] of states.entries()) program.write(i, value);
    const [losses, counts] = program.runSync({
      steps,
      feeds: feeds.map(({ data }) => data),
    }).fetches;
    const ofSteps = new sn.Tensor(losses as Float32Array, [steps], 'float32');
    return {
      values: [ofSteps, ...states.map((_, i) => program.read(i))],
      correct: [...(counts as Int32Array)],
    };
  } finally {
    program.dispose();
  }
}

describe.each(backends)('three training steps with every pass on and off on %s', (backend) => {
  const step = stepGraph();
  const expected = train(step, 'reference', { fuse: false, deadCode: false });

  it('has something to learn and something to drop', () => {
    const { graph, states } = step;
    expect(removeDeadCode(graph).nodes.length).toBe(graph.nodes.length - 2);
    const before = [sn.zeros([steps]), ...states];
    expected.values.forEach((value, i) => {
      expect(relativeDistance(before[i] as sn.Tensor, value), `value ${i}`).toBeGreaterThan(1e-3);
    });
  });

  it.each(combinations)('%o', (passes) => {
    const found = train(step, backend, passes);
    expect(found.correct).toEqual(expected.correct);
    found.values.forEach((value, i) => {
      const distance = relativeDistance(value, expected.values[i] as sn.Tensor);
      expect(distance, `value ${i}`).toBeLessThanOrEqual(1e-5);
    });
  });
});
