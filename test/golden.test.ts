import { describe, expect, it } from 'vitest';
import { evaluate } from '../lib/backends/evaluate.ts';
import { cpuInfo } from '../lib/index.ts';
import type { Attributes } from '../lib/ops/operator.ts';
import { need } from '../lib/ops/operator.ts';
import { Tensor, tensor, zeros } from '../lib/tensor.ts';
import {
  type ConvolutionAttributes,
  type DenseAttributes,
  type GoldenCase,
  type GoldenTensor,
  loadGolden,
  type OptimizerAttributes,
  type PoolingAttributes,
  type ScipyConvolutionAttributes,
} from './golden/load.ts';
import { operatorNamed } from './support/oracle.ts';

/** A call and what PyTorch or SciPy made of it; null: not recorded. */
interface Call {
  readonly operator: string;
  readonly inputs: readonly (Tensor | null)[];
  readonly attributes: Attributes;
  readonly expected: readonly (GoldenTensor | null | undefined)[];
}

const backends = [
  { backend: 'reference' as const },
  ...cpuInfo().isas.map((isa) => ({ backend: 'native' as const, isa })),
];

function own({ data, shape, dtype }: GoldenTensor): Tensor {
  return new Tensor(data, shape, dtype);
}

/**
 * Both sides round sums in orders of their own: 1e-12 of the largest element, where float64 errs
 * by K·1e-16 for the K < 1000 terms here.
 */
function expectGolden({ operator, inputs, attributes, expected }: Call): void {
  for (const options of backends) {
    const outputs = evaluate(operatorNamed(operator), inputs, attributes, options);
    for (const [o, golden] of expected.entries()) {
      if (!golden) continue;
      const { data, shape } = need(outputs[o]);
      const place = `${JSON.stringify(options)} ${operator}, output ${o}`;
      expect(shape, place).toEqual(golden.shape);
      const scale = Array.from(golden.data).reduce((a, b) => Math.max(a, Math.abs(b)), 1);
      const bound = golden.dtype === 'int32' ? 0 : 1e-12 * scale;
      for (const [i, value] of golden.data.entries()) {
        expect(Math.abs((data[i] as number) - value), `${place}, element ${i}`).toBeLessThanOrEqual(
          bound,
        );
      }
    }
  }
}

function convolutionCalls({
  inputs,
  outputs,
  attributes,
}: GoldenCase<ConvolutionAttributes>): Call[] {
  const [x, weight, dy] = [inputs.x, inputs.weight, inputs.dy].map((input) => own(need(input)));
  const bias = inputs.bias ? own(inputs.bias) : null;
  const settings: Attributes = { ...attributes };
  const [inputSize, kernelSize] = [need(x).shape.slice(2), need(weight).shape.slice(2)];
  return [
    {
      operator: 'conv2d',
      inputs: [need(x), need(weight), bias],
      attributes: settings,
      expected: [outputs.y],
    },
    {
      operator: 'conv2dInputGradient',
      inputs: [need(dy), need(weight)],
      attributes: { ...settings, inputSize },
      expected: [outputs.dx],
    },
    {
      operator: 'conv2dFilterGradient',
      inputs: [need(x), need(dy)],
      attributes: { ...settings, kernelSize },
      expected: [outputs.dweight],
    },
    { operator: 'biasGradient', inputs: [need(dy)], attributes: {}, expected: [outputs.dbias] },
  ];
}

function scipyCalls({
  inputs,
  outputs,
  attributes,
}: GoldenCase<ScipyConvolutionAttributes>): Call[] {
  const { padding, flipKernel } = attributes;
  return [
    {
      operator: 'conv2d',
      inputs: [own(need(inputs.x)), own(need(inputs.weight)), null],
      attributes: { stride: [1, 1], padding, dilation: [1, 1], groups: 1, flipKernel },
      expected: [outputs.y],
    },
  ];
}

function poolingCalls({ inputs, outputs, attributes }: GoldenCase<PoolingAttributes>): Call[] {
  const [vertical, horizontal] = attributes.padding;
  const settings = { ...attributes, padding: [vertical, vertical, horizontal, horizontal] };
  const [x, dy] = [own(need(inputs.x)), own(need(inputs.dy))];
  const [R, S] = attributes.kernelSize;
  const winners = own(need(outputs.winners)).to(R * S <= 255 ? 'uint8' : 'int32');
  return [
    {
      operator: 'maxPool2d',
      inputs: [x],
      attributes: settings,
      expected: [outputs.y, outputs.winners],
    },
    {
      operator: 'maxPool2dGradient',
      inputs: [dy, winners],
      attributes: { ...settings, inputSize: x.shape.slice(2) },
      expected: [outputs.dx],
    },
  ];
}

function denseCalls({ inputs, outputs, attributes }: GoldenCase<DenseAttributes>): Call[] {
  const get = (name: string) => own(need(inputs[name]));
  if (attributes.operator === 'linear') {
    const [x, weight, dy] = [get('x'), get('weight'), get('dy')];
    const bias = inputs.bias ? own(inputs.bias) : null;
    return [
      { operator: 'linear', inputs: [x, weight, bias], attributes: {}, expected: [outputs.y] },
      {
        operator: 'linearInputGradient',
        inputs: [dy, weight],
        attributes: {},
        expected: [outputs.dx],
      },
      {
        operator: 'linearWeightGradient',
        inputs: [x, dy],
        attributes: {},
        expected: [outputs.dweight],
      },
      { operator: 'biasGradient', inputs: [dy], attributes: {}, expected: [outputs.dbias] },
    ];
  }
  if (attributes.operator === 'softmax') {
    const y = own(need(outputs.y));
    return [
      { operator: 'softmax', inputs: [get('x')], attributes: { axis: 1 }, expected: [outputs.y] },
      {
        operator: 'softmaxGradient',
        inputs: [get('dy'), y],
        attributes: { axis: 1 },
        expected: [outputs.dx],
      },
    ];
  }
  const { operator, reduction } = attributes;
  const [a, b] =
    operator === 'squaredError'
      ? [get('prediction'), get('target')]
      : [get('logits'), get('labels')];
  const classes = operator === 'softmaxCrossEntropy';
  const settings: Attributes = classes ? { reduction, labelSmoothing: 0 } : { reduction };
  const weights = classes ? [null] : [];
  return [
    { operator, inputs: [a, b, ...weights], attributes: settings, expected: [outputs.loss] },
    {
      operator: `${operator}Gradient`,
      inputs: [a, b, get('dloss'), ...weights],
      attributes: settings,
      expected: [outputs.dprediction ?? outputs.dlogits],
    },
  ];
}

describe.each([
  [
    'convolution.json',
    () => loadGolden('convolution').map((one) => [one.name, convolutionCalls(one)] as const),
  ],
  [
    'scipy-convolution.json',
    () => loadGolden('scipy-convolution').map((one) => [one.name, scipyCalls(one)] as const),
  ],
  [
    'pooling.json',
    () => loadGolden('pooling').map((one) => [one.name, poolingCalls(one)] as const),
  ],
  ['dense.json', () => loadGolden('dense').map((one) => [one.name, denseCalls(one)] as const)],
] as const)('%s', (_, load) => {
  it.each(load())('%s', (_name, calls) => {
    for (const call of calls) expectGolden(call);
  });
});

/** The state after every step of an optimizer, on one backend. */
function trajectory(
  { inputs, attributes }: GoldenCase<OptimizerAttributes>,
  options: (typeof backends)[number],
): { parameters: Tensor[]; moments: Tensor[] } {
  const gradients = need(inputs.gradients);
  const size = need(gradients.shape[1]);
  const { optimizer, learningRate, ...settings } = attributes;
  const rate = tensor(learningRate, [], 'float64');
  let parameter = own(need(inputs.parameter));
  let moments: Tensor[] = [0, 1].map(() => zeros([size], 'float64'));
  if (attributes.optimizer === 'sgd' && attributes.dampening !== 0) {
    // PyTorch's first velocity is the whole gradient: this start makes the step give it
    const { dampening, momentum } = attributes;
    moments[0]?.data.set(gradients.data.slice(0, size).map((g) => (dampening / momentum) * g));
  }
  const parameters: Tensor[] = [];
  for (let t = 0; t < need(gradients.shape[0]); t++) {
    const g = new Tensor(gradients.data.slice(t * size, (t + 1) * size), [size], 'float64');
    const step = tensor(t + 1, [], 'float64');
    const operands =
      optimizer === 'sgd'
        ? [parameter, g, moments[0] as Tensor, rate]
        : [parameter, g, ...moments, step, rate];
    const outputs = evaluate(operatorNamed(`${optimizer}Update`), operands, settings, options);
    parameter = need(outputs[0]);
    moments = outputs.slice(1);
    parameters.push(parameter);
  }
  return { parameters, moments };
}

describe('optimizers.json', () => {
  it.each(loadGolden('optimizers').map((one) => [one.name, one] as const))('%s', (_, golden) => {
    const { outputs, attributes } = golden;
    const recorded = attributes.optimizer === 'sgd' ? [outputs.velocity] : [outputs.m, outputs.v];
    for (const options of backends) {
      const { parameters, moments } = trajectory(golden, options);
      const expected = need(outputs.trajectory).data;
      const actual = parameters.flatMap(({ data }) => Array.from(data));
      expect(actual).toHaveLength(expected.length);
      for (const [i, value] of actual.entries()) {
        expect(Math.abs(value - (expected[i] as number)), JSON.stringify(options)).toBeLessThan(
          1e-14,
        );
      }
      for (const [m, moment] of recorded.entries()) {
        for (const [i, value] of (moment?.data ?? []).entries()) {
          expect(Math.abs((moments[m]?.data[i] as number) - value)).toBeLessThan(1e-14);
        }
      }
    }
  });
});
