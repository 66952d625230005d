import { describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { type GraphVariable, Tracer } from '../lib/graph/graph.ts';
import { type BackendName, full, optimizers, Tensor, zeros } from '../lib/index.ts';
import { need } from '../lib/ops/operator.ts';
import type { FloatDType } from '../lib/tensor.ts';
import { clipGradients } from '../lib/train/clip.ts';
import { type GoldenCase, loadGolden, type TrajectoryAttributes } from './golden/load.ts';
import { backends } from './support/networks.ts';

type Trajectory = GoldenCase<TrajectoryAttributes>;

const steps = 100;
const places = [0, 1];

/**
 * The values of both parameters after each of the steps: one run of a Program whose states are the
 * parameters and the optimizer's slots.
 */
function trajectories(
  { inputs, attributes }: Trajectory,
  dtype: FloatDType,
  backend: BackendName,
): readonly Tensor['data'][] {
  const optimizer = optimizers[attributes.optimizer](attributes.settings);
  const tracer = new Tracer();
  const states: Tensor[] = [];
  const state = (value: Tensor): GraphVariable => {
    states.push(value);
    return tracer.input(value, 'state');
  };
  const given = (name: string): Tensor => {
    const { data, shape } = need(inputs[name]);
    return new Tensor(data, shape, 'float64').to(dtype);
  };
  const parameters = places.map((p) => {
    const start = given(`parameter${p}`);
    const slots = optimizer.slots.map((slot) =>
      state(full(start.shape, optimizer.initial?.[slot] ?? 0, dtype)),
    );
    return { parameter: state(start), slots };
  });
  const gradients = parameters.map(({ parameter: { shape } }) => tracer.input({ shape, dtype }));
  const [step, learningRate] = [0, 1].map(() => tracer.input({ shape: [], dtype: 'float64' }));
  const limits = { clipNorm: null, clipValue: null, ...attributes.clip };
  const clipped = clipGradients(gradients, limits) as GraphVariable[];
  const next = parameters.map(({ parameter, slots }, p) => {
    const call = { key: `${p}.weight`, name: 'weight', parameter, slots };
    const numbers = { step: need(step), learningRate: need(learningRate) };
    return optimizer.update({ ...call, ...numbers, gradient: need(clipped[p]) }) as GraphVariable[];
  });
  const updates = parameters.flatMap(({ parameter, slots }, p) =>
    [parameter, ...slots].map((old, i) => ({ state: old, value: need(next[p]?.[i]) })),
  );
  const graph = tracer.graph(
    next.map(([parameter]) => need(parameter)),
    updates,
  );
  const program = backendOf(backend).prepare(graph);
  try {
    for (const [i, value] of states.entries()) program.write(i, value);
    const numbers = zeros([steps], 'float64');
    for (let t = 0; t < steps; t++) numbers.data[t] = t + 1;
    const rates = full([steps], optimizer.learningRate, 'float64');
    const feeds = [...places.map((p) => given(`gradients${p}`)), numbers, rates];
    return program.runSync({ steps, feeds: feeds.map(({ data }) => data) }).fetches;
  } finally {
    program.dispose();
  }
}

const cases = loadGolden('trajectories').map((golden) => [golden.name, golden] as const);

describe.each(backends)('B2: 100 steps of an optimizer as PyTorch makes them on %s', (backend) => {
  it.each(cases)('%s', (_, golden) => {
    for (const [dtype, bound] of [
      ['float64', 1e-14],
      ['float32', 5e-6],
    ] as const) {
      const actual = trajectories(golden, dtype, backend);
      for (const p of places) {
        const expected = need(golden.outputs[`trajectory${p}`]).data;
        expect(actual[p]).toHaveLength(expected.length);
        for (const [i, value] of expected.entries()) {
          const distance = Math.abs((actual[p]?.[i] as number) - value);
          expect(distance, `${dtype}, value ${i} of parameter ${p}`).toBeLessThanOrEqual(
            bound * Math.max(1, Math.abs(value)),
          );
        }
      }
    }
  });
});
