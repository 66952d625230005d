import { describe, expect, it } from 'vitest';
import * as sn from '../../lib/index.ts';
import { backends } from '../support/networks.ts';
import { type GoldenTensor, loadGolden } from './load.ts';

type Tensors = Readonly<Record<string, GoldenTensor>>;

/** Of the largest value: float64 sums of at most 300 terms, added in another order. */
const TOLERANCE = 1e-13;

function tensor(golden: GoldenTensor | undefined): sn.Tensor {
  if (golden === undefined) throw new Error('the golden case lacks an input');
  return sn.tensor(golden.data, golden.shape, golden.dtype);
}

function tensors(inputs: Tensors, ...names: string[]): sn.Tensor[] {
  return names.filter((name) => name in inputs).map((name) => tensor(inputs[name]));
}

function expectClose(actual: sn.Tensor | null | undefined, expected?: GoldenTensor): void {
  if (!actual || !expected) throw new Error('a value is missing');
  expect(actual.shape).toEqual(expected.shape);
  let scale = 1e-3;
  let worst = 0;
  for (const [i, value] of expected.data.entries()) {
    scale = Math.max(scale, Math.abs(value));
    const error = Math.abs((actual.data[i] as number) - value);
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
  }
  expect(worst / scale).toBeLessThanOrEqual(TOLERANCE);
}

/** The value of `fn` and its gradients for the adjoint `seed` of that value. */
async function valueAndGradients(
  fn: (inputs: sn.Variable[]) => sn.Operand,
  inputs: sn.Tensor[],
  seed: sn.Tensor,
  backend: sn.BackendName,
): Promise<sn.Tensor[]> {
  const compiled = sn.compile(
    (adjoint, ...variables) => {
      const value = fn(variables);
      const found = sn.gradients(value as sn.Variable, variables, adjoint);
      return [value, ...found.filter((gradient) => gradient !== null)];
    },
    { backend },
  );
  const result = await compiled(seed, ...inputs);
  compiled.dispose();
  return result as sn.Tensor[];
}

describe.each(backends)('golden values on %s', (backend) => {
  it.each(loadGolden('convolution').map((one) => [one.name, one] as const))(
    'A1, A4: convolution %s',
    async (_, { attributes, inputs, outputs }) => {
      const { padding, stride, dilation, groups, flipKernel } = attributes;
      const [top, bottom, left, right] = padding;
      const options = {
        stride,
        dilation,
        groups,
        flipKernel,
        padding: [
          [top, bottom],
          [left, right],
        ] as [[number, number], [number, number]],
      };
      const [y, dx, dweight, dbias] = await valueAndGradients(
        ([x, weight, bias]) =>
          sn.ops.conv2d(x as sn.Variable, weight as sn.Variable, bias, options),
        tensors(inputs, 'x', 'weight', 'bias'),
        tensor(inputs.dy),
        backend,
      );
      expectClose(y, outputs.y);
      expectClose(dx, outputs.dx);
      expectClose(dweight, outputs.dweight);
      if (outputs.dbias !== undefined) expectClose(dbias, outputs.dbias);
    },
  );

  it.each(loadGolden('scipy-convolution').map((one) => [one.name, one] as const))(
    'A2: %s',
    async (_, { attributes, inputs, outputs }) => {
      const { mode, flipKernel, padding } = attributes;
      const [top, bottom, left, right] = padding;
      const explicit = [
        [top, bottom],
        [left, right],
      ] as [[number, number], [number, number]];
      for (const option of [mode, explicit]) {
        const compiled = sn.compile(
          (x, weight) =>
            sn.ops.conv2d(x as sn.Variable, weight as sn.Variable, null, {
              padding: option,
              flipKernel,
            }),
          { backend },
        );
        expectClose((await compiled(...tensors(inputs, 'x', 'weight'))) as sn.Tensor, outputs.y);
        compiled.dispose();
      }
    },
  );

  it.each(loadGolden('pooling').map((one) => [one.name, one] as const))(
    'A9, A10: max pooling %s',
    async (_, { attributes, inputs, outputs }) => {
      const [y, dx] = await valueAndGradients(
        ([x]) => sn.ops.maxPool2d(x as sn.Variable, attributes),
        tensors(inputs, 'x'),
        tensor(inputs.dy),
        backend,
      );
      expectClose(y, outputs.y);
      expectClose(dx, outputs.dx);
      const compiled = sn.compile(
        (x) => sn.ops.maxPool2dWithWinners(x as sn.Variable, attributes)[1] as sn.Operand,
        { backend },
      );
      const winners = (await compiled(tensor(inputs.x))) as sn.Tensor;
      expect([...winners.data]).toEqual([...(outputs.winners?.data ?? [])]);
      compiled.dispose();
    },
  );

  it.each(loadGolden('dense').map((one) => [one.name, one] as const))(
    'A12, A15: %s',
    async (_, { attributes, inputs, outputs }) => {
      const run = (fn: (inputs: sn.Variable[]) => sn.Operand, names: string[], seed: string) =>
        valueAndGradients(fn, tensors(inputs, ...names), tensor(inputs[seed]), backend);
      const first = <T>(list: readonly T[], i: number): T => list[i] as T;
      if (attributes.operator === 'linear') {
        const [y, dx, dweight, dbias] = await run(
          (v) => sn.ops.linear(first(v, 0), first(v, 1), v[2]),
          ['x', 'weight', 'bias'],
          'dy',
        );
        expectClose(y, outputs.y);
        expectClose(dx, outputs.dx);
        expectClose(dweight, outputs.dweight);
        if (outputs.dbias !== undefined) expectClose(dbias, outputs.dbias);
      } else if (attributes.operator === 'softmax') {
        const [y, dx] = await run((v) => sn.ops.softmax(first(v, 0)), ['x'], 'dy');
        expectClose(y, outputs.y);
        expectClose(dx, outputs.dx);
      } else if (attributes.operator === 'softmaxCrossEntropy') {
        const { reduction } = attributes;
        const labels = tensor(inputs.labels);
        const [loss, dlogits] = await run(
          (v) => sn.ops.softmaxCrossEntropy(first(v, 0), labels, { reduction }),
          ['logits'],
          'dloss',
        );
        expectClose(loss, outputs.loss);
        expectClose(dlogits, outputs.dlogits);
      } else {
        const { reduction } = attributes;
        const target = tensor(inputs.target);
        const [loss, dprediction] = await run(
          (v) => sn.ops.squaredError(first(v, 0), target, { reduction }),
          ['prediction'],
          'dloss',
        );
        expectClose(loss, outputs.loss);
        expectClose(dprediction, outputs.dprediction);
      }
    },
  );

  it.each(loadGolden('optimizers').map((one) => [one.name, one] as const))(
    'B2: 20 steps of %s',
    async (_, { attributes, inputs, outputs }) => {
      const [steps = 0, size = 0] = inputs.gradients?.shape ?? [];
      const { optimizer, learningRate, ...settings } = attributes;
      const rate = sn.tensor([learningRate], [], 'float64');
      const gradientAt = (step: number) => {
        const values = inputs.gradients?.data.slice(step * size, (step + 1) * size) ?? [];
        return sn.tensor(values, [size], 'float64');
      };
      const compiled = sn.compile(
        (...v) => {
          const [p, g, m, second, step, eta] = v as [sn.Variable, ...sn.Variable[]];
          if (optimizer === 'adam') {
            const adam = settings as Parameters<typeof sn.ops.adamUpdate>[6];
            return sn.ops.adamUpdate(
              p,
              g as never,
              m as never,
              second as never,
              step as never,
              eta as never,
              adam,
            );
          }
          const sgd = settings as Parameters<typeof sn.ops.sgdUpdate>[4];
          return sn.ops.sgdUpdate(p, g as never, m as never, eta as never, sgd);
        },
        { backend },
      );
      let state = [
        tensor(inputs.parameter),
        sn.zeros([size], 'float64'),
        sn.zeros([size], 'float64'),
      ];
      if ('dampening' in attributes && attributes.dampening > 0) {
        // PyTorch's first velocity is the gradient itself: undamped, as from this velocity.
        const share = attributes.dampening / attributes.momentum;
        const first = gradientAt(0);
        state[1] = sn.tensor(
          first.data.map((g) => Number(g) * share),
          [size],
          'float64',
        );
      }
      for (let step = 0; step < steps; step++) {
        const [p, m, v] = state as [sn.Tensor, sn.Tensor, sn.Tensor];
        const number = sn.tensor([step + 1], [], 'float64');
        const next = (await compiled(p, gradientAt(step), m, v, number, rate)) as sn.Tensor[];
        state = [next[0] as sn.Tensor, next[1] as sn.Tensor, next[2] ?? v];
        const trajectory = outputs.trajectory?.data.slice(step * size, (step + 1) * size);
        expectClose(state[0], {
          dtype: 'float64',
          shape: [size],
          data: trajectory as Float64Array,
        });
      }
      const [velocity, m, v] = [outputs.velocity, outputs.m, outputs.v];
      if (velocity !== undefined) expectClose(state[1], velocity);
      if (m !== undefined) expectClose(state[1], m);
      if (v !== undefined) expectClose(state[2], v);
      compiled.dispose();
    },
  );
});
