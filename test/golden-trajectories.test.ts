import { describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { type GraphVariable, Tracer } from '../lib/graph/graph.ts';
import { type BackendName, full, optimizers, Tensor, zeros } from '../lib/index.ts';
import { need } from '../lib/ops/operator.ts';
import type { Optimizer } from '../lib/optimizers/optimizer.ts';
import type { FloatDType } from '../lib/tensor.ts';
import { type GoldenCase, loadGolden, type TrajectoryAttributes } from './golden/load.ts';
import { backends } from './support/networks.ts';

type Trajectory = GoldenCase<TrajectoryAttributes>;

const steps = 100;

/** The values of parameter `p` after each of the steps: one run of a Program, the optimizer's slots its states. */
function trajectoryOf(
  optimizer: Optimizer,
  { inputs }: Trajectory,
  p: number,
  dtype: FloatDType,
  backend: BackendName,
): Tensor['data'] {
  const [start, gradients] = [need(inputs[`parameter${p}`]), need(inputs[`gradients${p}`])];
  const { shape } = start;
  const tracer = new Tracer();
  const states = [
    new Tensor(start.data, shape, 'float64').to(dtype),
    ...optimizer.slots.map((slot) => full(shape, optimizer.initial?.[slot] ?? 0, dtype)),
  ];
  const [parameter, ...slots] = states.map((state) => tracer.input(state, 'state'));
  const gradient = tracer.input({ shape, dtype });
  const step = tracer.input({ shape: [], dtype: 'float64' });
  const learningRate = tracer.input({ shape: [], dtype: 'float64' });
  const own = { key: '0.weight', name: 'weight', parameter: need(parameter), slots };
  const next = optimizer.update({ ...own, gradient, step, learningRate }) as GraphVariable[];
  const updates = [need(parameter), ...slots].map((state, i) => ({ state, value: need(next[i]) }));
  const program = backendOf(backend).prepare(tracer.graph([need(next[0])], updates));
  try {
    for (const [i, state] of states.entries()) program.write(i, state);
    const numbers = zeros([steps], 'float64');
    for (let t = 0; t < steps; t++) numbers.data[t] = t + 1;
    const rates = full([steps], optimizer.learningRate, 'float64');
    const all = new Tensor(gradients.data, gradients.shape, 'float64').to(dtype);
    return need(program.runSync({ steps, feeds: [all.data, numbers.data, rates.data] }).fetches[0]);
  } finally {
    program.dispose();
  }
}

const cases = loadGolden('trajectories').filter(({ attributes }) => attributes.clip === null);

describe.each(backends)('100 steps of an optimizer as PyTorch makes them on %s', (backend) => {
  it.each(cases.map((golden) => [golden.name, golden] as const))('%s', (_, golden) => {
    const { optimizer: name, settings } = golden.attributes;
    const optimizer = optimizers[name](settings);
    for (const [dtype, bound] of [
      ['float64', 1e-14],
      ['float32', 5e-6],
    ] as const) {
      for (const p of [0, 1]) {
        const expected = need(golden.outputs[`trajectory${p}`]).data;
        const actual = trajectoryOf(optimizer, golden, p, dtype, backend);
        expect(actual).toHaveLength(expected.length);
        for (const [i, value] of expected.entries()) {
          const distance = Math.abs((actual[i] as number) - value);
          expect(distance, `${dtype}, value ${i} of parameter ${p}`).toBeLessThanOrEqual(
            bound * Math.max(1, Math.abs(value)),
          );
        }
      }
    }
  });
});
