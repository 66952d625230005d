import { describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { type GraphVariable, Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import { parameterInputs } from '../lib/train/inputs.ts';
import {
  type GoldenModel,
  loadModels,
  modelData,
  modelValue,
  summarizeModel,
} from './golden/models.ts';
import { stepValues } from './support/models.ts';
import { backends } from './support/networks.ts';

const models = loadModels();

/** Parameters and states of PyTorch's network, by its names; made once, 12 million normals. */
const values = new Map<string, Map<string, sn.Tensor>>();
function valuesOf({ name, seed }: GoldenModel, net: sn.Network): Map<string, sn.Tensor> {
  const known = values.get(name);
  if (known !== undefined) return known;
  const { parameters } = net.architecture;
  const made = new Map(parameters.map(({ key, shape }) => [key, modelValue(seed, key, shape)]));
  values.set(name, made);
  return made;
}

/** The network's output before softmax, outside of training. */
function inference(net: sn.Network, x: sn.Tensor, backend: sn.BackendName): ArrayLike<number> {
  const tracer = new Tracer();
  const parameters = parameterInputs(tracer, net.architecture);
  const input = tracer.input(x, 'state');
  const logits = net.architecture.forward(input, parameters, { logits: 'softmax' });
  const program = backendOf(backend).prepare(tracer.graph([logits as GraphVariable]));
  try {
    for (const [i, value] of [...net.parameters().values(), x].entries()) program.write(i, value);
    return program.runSync({ steps: 1, feeds: [] }).fetches[0] as ArrayLike<number>;
  } finally {
    program.dispose();
  }
}

/** The values of a case in that dtype. */
function actual(
  golden: GoldenModel,
  dtype: sn.FloatDType,
  backend: sn.BackendName,
): Map<string, ArrayLike<number>> {
  const make = sn.models[golden.model] as (options: object) => sn.Network;
  const net = make({ ...golden.options, dtype, backend });
  const given = [...valuesOf(golden, net)].map(([key, value]) => [key, value.to(dtype)] as const);
  const count = sn.tensor([1], [], 'int32');
  const counters = countersOf(net).map((key): [string, sn.Tensor] => [key, count]);
  net.setParameters(new Map<string, sn.Tensor>([...given, ...counters]));
  const { x, y } = modelData(golden);
  const data = { x: x.to(dtype), y };
  return new Map([
    ['inference', inference(net, data.x, backend)],
    ...stepValues(net, data, backend),
  ]);
}

/** What PyTorch's batch normalization keeps beside its statistics. */
function countersOf(net: sn.Network): string[] {
  const means = net.architecture.parameters.filter(({ name }) => name.endsWith('.running_mean'));
  return means.map(({ key }) => key.replace('running_mean', 'num_batches_tracked'));
}

function expectClose(
  golden: GoldenModel,
  found: ReadonlyMap<string, ArrayLike<number>>,
  bound: number,
): void {
  expect([...found.keys()].sort()).toEqual(Object.keys(golden.values).sort());
  const gradients = Object.entries(golden.values).filter(([name]) => name.startsWith('gradient'));
  const whole = Math.hypot(...gradients.map(([, [norm]]) => norm as number));
  for (const [name, [norm, ...others]] of Object.entries(golden.values)) {
    const scale = Math.max(norm as number, name.startsWith('gradient') ? 1e-4 * whole : 0);
    const numbers = summarizeModel(golden.seed, name, found.get(name) as ArrayLike<number>);
    for (const [i, expected] of [norm as number, ...others].entries()) {
      const distance = Math.abs((numbers[i] as number) - expected) / scale;
      expect(distance, `${name}, number ${i}`).toBeLessThanOrEqual(bound);
    }
  }
}

/** What the loops of the reference have time for. */
const quick = ['resnet18, narrow', 'lenet5', 'lenet5Original', 'vgg16, narrow'];
const some = models.filter(({ name }) => quick.includes(name));

describe.each(backends)(
  'D1, D2, D3, D4, D5: networks compute and learn as in PyTorch on %s',
  (backend) => {
    it.each((backend === 'native' ? models : some).map((golden) => [golden.name, golden] as const))(
      '%s: logits, loss, every gradient, running statistics',
      (_, golden) => {
        expectClose(golden, actual(golden, 'float64', backend), 1e-11);
        expectClose(golden, actual(golden, 'float32', backend), 6 * golden.float32);
      },
    );
  },
);
