import { describe, expect, it, vi } from 'vitest';
import { backendOf } from '../../lib/backends/index.ts';
import type { PassOptions } from '../../lib/compiler/compile.ts';
import { gradients } from '../../lib/graph/differentiate.ts';
import { type Graph, type GraphVariable, Tracer } from '../../lib/graph/graph.ts';
import * as sn from '../../lib/index.ts';
import { drawTensor } from '../../lib/initializers/initializer.ts';
import { describeLayer, layerOf } from '../../lib/layers/registry.ts';
import type { ClassifierOptions } from '../../lib/models/model.ts';
import { elementCount } from '../../lib/shape.ts';
import { Architecture, type NetworkParameter } from '../../lib/train/architecture.ts';
import { parameterInputs } from '../../lib/train/inputs.ts';

/** How a model is made smaller, or fed with more than one image. */
type Size<O> = O & { batch?: number };

/** What a model must be and do. */
export interface ModelClaim<O extends ClassifierOptions> {
  readonly make: (options: O) => sn.Network;
  /** Learned values of the model without options. */
  readonly parameters: number;
  /** Of one image, forward. */
  readonly multiplyAdds: number;
  /** Of the model without options; default 1000. */
  readonly classes?: number;
  /** What runs forward and trains one step on native, in float32; default: the model, batch 1. */
  readonly run?: Size<O>;
  /** What is compared in float64 with passes on and off. */
  readonly small: Size<O>;
  /** False where the reference would take long and PyTorch's values are held to; default true. */
  readonly reference?: boolean;
  /** The loss of the first step may be that far from ln(classes); default 1.5. */
  readonly lossWithin?: number;
}

/** Images of uniform values from −1 to 1, with class numbers. */
export function images(net: sn.Network, batch: number, seed = 1): sn.Samples {
  const random = new sn.Generator(seed, 'images');
  const { inputShape, dtype, outputShape } = net.architecture;
  const x = sn.zeros([batch, ...inputShape], dtype);
  for (let i = 0; i < x.size; i++) x.data[i] = 2 * random.uniform() - 1;
  const classes = outputShape[0] as number;
  const labels = Array.from({ length: batch }, () => random.integer(classes));
  return { x, y: sn.tensor(labels, [batch], 'int32') };
}

/**
 * Values for all parameters by their own initializers, of each the first 65,521 repeated: to draw all
 * of a large model takes as long as many steps.
 */
function repeated({ architecture }: sn.Network): Map<string, sn.Tensor> {
  const { dtype, parameters } = architecture;
  return new Map(
    parameters.map(({ key, shape, fan, initializer }) => {
      const length = Math.min(elementCount(shape), 65_521);
      const random = new sn.Generator(1, key);
      const { data: part } = drawTensor(key, initializer, [length], dtype, fan, random);
      const value = sn.zeros(shape, dtype);
      for (let from = 0; from < value.size; from += length) {
        value.data.set(part.subarray(0, value.size - from), from);
      }
      return [key, value];
    }),
  );
}

/** The learned values of a network. */
export function parameterCount(net: sn.Network): number {
  return net.layers().reduce((sum, { parameters }) => sum + parameters, 0);
}

/** Its multiply-adds forward, for one image. */
export function multiplyAddCount(net: sn.Network): number {
  return net.layers().reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
}

/**
 * A training step's logits, loss, gradients to x and to every learned parameter, and what states of
 * layers are after it, with their names; the parameters are states, in their order.
 */
function stepGraph(net: sn.Network, { x, y }: sn.Samples): { graph: Graph; names: string[] } {
  const { architecture } = net;
  const tracer = new Tracer();
  const values = parameterInputs(tracer, architecture);
  const input = tracer.input(x, 'state');
  const changed = new Map<string, sn.Operand>();
  const training = {
    ...{ step: sn.full([], 1, 'float64'), seed: 1 },
    update: (key: string, value: sn.Operand) => void changed.set(key, value),
  };
  const logits = architecture.forward(input, values, { logits: 'softmax', training });
  const loss = sn.losses.softmaxCrossEntropy().mean(logits, y) as GraphVariable;
  const learned = architecture.parameters.filter(({ state }) => state !== true);
  const keys = learned.map(({ key }) => key);
  const sources = [input, ...keys.map((key) => values.get(key) as GraphVariable)];
  const adjoints = gradients(loss, sources) as GraphVariable[];
  return {
    graph: tracer.graph([logits, loss, ...adjoints, ...changed.values()]),
    names: [
      ...['logits', 'loss', ...['x', ...keys].map((key) => `gradient of ${key}`)],
      ...[...changed.keys()].map((key) => `state ${key}`),
    ],
  };
}

/** What a training step gives, by name. */
export function stepValues(
  net: sn.Network,
  data: sn.Samples,
  backend: sn.BackendName,
  passes: PassOptions = {},
): Map<string, ArrayLike<number>> {
  const { graph, names } = stepGraph(net, data);
  const program = backendOf(backend).prepare(graph, { passes });
  try {
    const values = [...net.parameters().values(), data.x];
    values.forEach((value, i) => {
      program.write(i, value);
    });
    const { fetches } = program.runSync({ steps: 1, feeds: [] });
    return new Map(names.map((name, i) => [name, fetches[i] as ArrayLike<number>]));
  } finally {
    program.dispose();
  }
}

function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return Math.sqrt(sum);
}

/**
 * The largest ‖a − b‖₂ / ‖b‖₂ of the values of two steps. A gradient that is zero but for rounding,
 * such as that of a bias before batch normalization, is measured by 1e-4 of all gradients.
 */
export function stepDistance(
  a: ReadonlyMap<string, ArrayLike<number>>,
  b: ReadonlyMap<string, ArrayLike<number>>,
): { distance: number; name: string } {
  const whole = Math.hypot(...[...b.values()].map(norm));
  const distances = [...b].map(([name, expected]) => {
    const found = a.get(name) as ArrayLike<number>;
    const difference = Float64Array.from(expected, (value, i) => value - (found[i] as number));
    return { name, distance: norm(difference) / Math.max(norm(expected), 1e-4 * whole) };
  });
  return distances.reduce((worst, each) => (each.distance <= worst.distance ? worst : each));
}

function allFinite(values: ArrayLike<number>): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += 0 * (values[i] as number);
  return sum === 0;
}

/** Whether two tensors have the same values. */
function same(a: sn.Tensor, b: sn.Tensor): boolean {
  return a.data.every((value, i) => value === b.data[i]);
}

const float64Bound = 1e-11;

/** Tests that hold for every model, in a block of the model's name. */
export function describeModel<O extends ClassifierOptions>(
  name: string,
  claim: ModelClaim<O>,
): void {
  const { make, classes = 1000, lossWithin = 1.5 } = claim;
  const made = ({ batch: _, ...options }: Size<O>, more: ClassifierOptions = {}): sn.Network =>
    make({ ...options, ...more } as unknown as O);

  describe(name, () => {
    it(`has ${claim.parameters.toLocaleString('en-US')} parameters and ${claim.multiplyAdds.toLocaleString('en-US')} multiply-adds, with no weight drawn`, () => {
      const draw = vi.spyOn(Architecture.prototype, 'initialize');
      try {
        const net = make({} as O);
        expect(parameterCount(net)).toBe(claim.parameters);
        expect(multiplyAddCount(net)).toBe(claim.multiplyAdds);
        expect(net.architecture.outputShape).toEqual([classes]);
        expect(draw).not.toHaveBeenCalled();
      } finally {
        draw.mockRestore();
      }
    });

    it('comes back from what a file keeps of it', () => {
      const { inputShape, dtype, layers, parameters } = made(claim.small).architecture;
      const kept = JSON.parse(JSON.stringify(layers.map(({ layer }) => describeLayer(layer))));
      const again = new Architecture(
        inputShape,
        (kept as unknown[]).map((layer) => layerOf(layer)),
        dtype,
      );
      const values = (of: readonly NetworkParameter[]): unknown =>
        of.map(({ key, shape, state, initializer: { kind, options } }) => {
          return { key, shape, state, kind, options };
        });
      expect(values(again.parameters)).toEqual(values(parameters));
      expect(again.layers.map(({ output }) => output)).toEqual(layers.map(({ output }) => output));
    });

    it('gives finite probabilities and trains a step on native', async () => {
      const size = claim.run ?? ({} as Size<O>);
      const net = made(size);
      const before = repeated(net);
      net.setParameters(before);
      const { batch = 1 } = size;
      const data = images(net, batch);
      const count = net.architecture.outputShape[0] as number;
      const output = await net.predict(data.x);
      expect(output.shape).toEqual([batch, count]);
      expect(allFinite(output.data)).toBe(true);
      const sum = Array.from(output.data).reduce((a, b) => a + b);
      expect(Math.abs(sum / batch - 1)).toBeLessThan(1e-5);

      const { epochs } = await net.fit(data, {
        ...{ epochs: 1, batchSize: batch, optimizer: sn.optimizers.sgd(1e-2) },
      });
      const loss = epochs[0]?.loss as number;
      expect(Math.abs(loss - Math.log(count)), `loss ${loss}`).toBeLessThan(lossWithin);
      const after = net.parameters();
      for (const { key, state } of net.architecture.parameters) {
        const [old, now] = [before.get(key) as sn.Tensor, after.get(key) as sn.Tensor];
        expect(allFinite(now.data), key).toBe(true);
        if (state !== true) expect(same(old, now), `${key} stays`).toBe(false);
      }
    });

    it('gives the same loss and gradients fused, unfused and laid out otherwise', () => {
      const net = made(claim.small, { seed: 2, dtype: 'float64' });
      const data = images(net, claim.small.batch ?? 2);
      const expected = stepValues(net, data, 'native');
      expect([...expected.values()].every(allFinite)).toBe(true);
      for (const passes of [{ fuse: false }, { layout: false }, { fuse: false, reuse: false }]) {
        const worst = stepDistance(stepValues(net, data, 'native', passes), expected);
        const where = `${worst.name}, ${JSON.stringify(passes)}`;
        expect(worst.distance, where).toBeLessThan(float64Bound);
      }
    });

    if (claim.reference === false) return;

    it('agrees with the reference', () => {
      const net = made(claim.small, { seed: 3, dtype: 'float64' });
      const data = images(net, claim.small.batch ?? 2, 2);
      const expected = stepValues(net, data, 'reference');
      const worst = stepDistance(stepValues(net, data, 'native'), expected);
      expect(worst.distance, worst.name).toBeLessThan(float64Bound);
    });
  });
}

/** The number of elements of every parameter of a layer for such an input, by name. */
export function parameterSizes(layer: sn.Layer, input: sn.Shape): Record<string, number> {
  return Object.fromEntries(
    layer.parameters(input).map(({ name, shape }) => [name, elementCount(shape)]),
  );
}
