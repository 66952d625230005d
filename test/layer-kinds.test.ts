import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { type LayerCase, layerCases } from './support/layers.ts';
import { backends, bits } from './support/networks.ts';

const native = backends.includes('native');

/** Values from −1 to 1, no two of which are close: pooling has no ties and no kinks nearby. */
function input(shape: readonly number[], dtype: 'float32' | 'float64', seed = 1): sn.Tensor {
  const x = sn.zeros(shape, dtype);
  const order = new Generator(seed, 'input').permutation(x.size);
  order.forEach((place, i) => {
    x.data[i] = (2 * place + 1.3) / x.size - 1;
  });
  return x;
}

function network(
  { make, input: inputShape }: LayerCase,
  options: Partial<sn.SequentialOptions> = {},
): sn.Network {
  return sn.sequential({ inputShape, layers: [make()], seed: 2, ...options });
}

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stridenet-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(layerCases.map((each) => [each.title, each] as const))('%s', (_, each) => {
  const { output, parameters = {}, states = {} } = each;

  it('has its shapes and parameters', () => {
    const net = network(each, { backend: 'reference' });
    expect(net.layers()[0]?.outputShape).toEqual(output);
    const shapes = [...net.parameters()].map(([key, { shape }]) => [key, shape]);
    const expected = Object.entries({ ...parameters, ...states });
    expect(shapes).toEqual(expected.map(([name, shape]) => [`0.${name}`, shape]));
    const count = Object.values(parameters).reduce((sum, shape) => {
      return sum + sn.shape.elementCount(shape);
    }, 0);
    expect(net.layers()[0]?.parameters).toBe(count);
  });

  it.each(backends)('has the gradients of central differences on %s', (backend) => {
    const x = input([3, ...each.input], 'float64');
    const { maxError, worst } = sn.gradientCheck(each.make(), [x], { backend });
    expect(maxError, JSON.stringify(worst)).toBeLessThan(1e-7);
  });

  it.runIf(native)('computes and differentiates alike on both backends', () => {
    for (const [dtype, bound] of [
      ['float32', 1e-5],
      ['float64', 1e-13],
    ] as const) {
      for (const training of [true, false]) {
        const x = input([3, ...each.input], dtype);
        const { maxError, worst } = sn.compareBackends(each.make(), [x], { training });
        expect(maxError, `${dtype} ${JSON.stringify(worst)}`).toBeLessThan(bound);
      }
    }
  });

  it('comes back from a file, with its values and its output', async () => {
    const path = join(folder, 'layer.safetensors');
    const net = network(each);
    await net.save(path);
    const custom = [each.make()].filter((layer) => layer.kind === 'custom');
    const loaded = await sn.load(path, { custom: custom as sn.layers.CustomLayer[] });
    expect(loaded.summary()).toBe(net.summary());
    expect(bits(loaded.parameters())).toBe(bits(net.parameters()));
    const x = input([2, ...each.input], 'float32');
    expect((await loaded.predict(x)).data).toEqual((await net.predict(x)).data);
  });
});

describe('layers', () => {
  it('come back from a file with options that JSON has no number for', async () => {
    const path = join(folder, 'infinite.safetensors');
    const values = [-Infinity, Number.NaN];
    const net = sn.sequential({
      inputShape: [1, 2, 2],
      layers: values.map((value) => sn.layers.pad({ padding: 1, value })),
      backend: 'reference',
    });
    await net.save(path);
    const x = input([1, 1, 2, 2], 'float32');
    const again = await sn.load(path, { backend: 'reference' });
    expect(await again.predict(x)).toEqual(await net.predict(x));
  });

  it('are all tried here', () => {
    const tried = new Set(layerCases.map(({ make }) => make().kind));
    expect(tried).toEqual(new Set(Object.keys(sn.layers)));
  });
});
