import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { type GoldenCase, loadGolden, type WeightsAttributes } from './golden/load.ts';
import { backends } from './support/networks.ts';

const { layers } = sn;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-weights-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The networks of make_weights.py; of `numbered`, with activations that do not count as layers. */
const networks = {
  numbered: {
    inputShape: [3, 14, 10],
    layers: [
      layers.conv2d({ filters: 8, kernelSize: 3, padding: 1, activation: 'relu' }),
      layers.batchNorm(),
      layers.maxPool2d({ kernelSize: 2 }),
      layers.conv2d({ filters: 8, kernelSize: 3, stride: 2, groups: 4, bias: false }),
      layers.prelu({ perChannel: true }),
      layers.convTranspose2d({
        ...{ filters: 6, kernelSize: 3, stride: 2, outputPadding: 1, groups: 2 },
        activation: 'tanh',
      }),
      layers.groupNorm({ groups: 3 }),
      layers.flatten(),
      layers.dense({ units: 5 }),
    ],
  },
  named: {
    inputShape: [3, 6, 6],
    layers: [
      layers.conv2d({ filters: 6, kernelSize: [3, 2], groups: 3, name: 'stem' }),
      layers.batchNorm({ activation: 'relu', name: 'norm' }),
      layers.flatten(),
      layers.dense({ units: 4, bias: false, name: 'head' }),
    ],
  },
  sequence: {
    inputShape: [4, 9],
    layers: [
      layers.conv1d({ filters: 6, kernelSize: 3, dilation: 2, name: 'conv' }),
      layers.layerNorm({ name: 'norm' }),
      layers.flatten(),
      layers.dense({ units: 7, name: 'hidden' }),
      layers.batchNorm({ affine: false, name: 'batch' }),
    ],
  },
} as const;

interface Kind {
  readonly network: keyof typeof networks;
  readonly options?: sn.LoadWeightsOptions;
  readonly ending?: string;
}

const kinds: Readonly<Record<string, Kind>> = {
  numbered: { network: 'numbered', options: { match: 'order' } },
  named: { network: 'named' },
  half: { network: 'named', options: { prefix: 'module.' } },
  bfloat16: { network: 'named' },
  double: { network: 'named' },
  sequence: { network: 'sequence', ending: 'npz' },
  compressed: { network: 'numbered', options: { match: 'order' }, ending: 'npz' },
};

const cases = loadGolden('weights');

function written({ name, attributes }: GoldenCase<WeightsAttributes>): string {
  const path = join(folder, `${name}.${kinds[name]?.ending ?? 'safetensors'}`);
  writeFileSync(path, Buffer.from(attributes.file, 'base64'));
  return path;
}

function tensorOf(golden: GoldenCase<WeightsAttributes>, dtype: sn.FloatDType): sn.Tensor {
  const { data, shape } = golden.inputs.x as { data: ArrayLike<number>; shape: readonly number[] };
  return sn.tensor(Array.from(data), [...shape], dtype);
}

/** The largest difference as a share of the largest value. */
function distance(found: sn.Tensor, expected: ArrayLike<number>): number {
  const values = Array.from(expected);
  const scale = Math.max(...values.map(Math.abs));
  return (
    Math.max(...values.map((value, i) => Math.abs(value - (found.data[i] ?? Number.NaN)))) / scale
  );
}

describe.each(backends)('weights that PyTorch and NumPy wrote, on %s', (backend) => {
  it.each(cases)('$name: give what they give there', async (golden) => {
    const { network, options = {} } = kinds[golden.name] as Kind;
    const path = written(golden);
    const y = golden.outputs.y as { data: ArrayLike<number>; shape: readonly number[] };
    for (const [dtype, bound] of [
      ['float64', 1e-12],
      ['float32', 1e-5],
    ] as const) {
      const net = sn.sequential({ ...networks[network], seed: 3, dtype, backend });
      const x = tensorOf(golden, dtype);
      expect(distance(await net.predict(x), y.data)).toBeGreaterThan(0.1);
      const report = await net.loadWeights(pathToFileURL(path), options);
      const found = await net.predict(x);
      expect(found.shape).toEqual(y.shape);
      expect(distance(found, y.data), dtype).toBeLessThan(bound);
      const counters = golden.attributes.names.filter((each) => each.endsWith('_tracked'));
      expect(counters).toHaveLength(1);
      expect(report).toMatchObject({ missing: [], unexpected: [], mismatched: [] });
      expect(report.ignored).toEqual(counters);
      expect(report.loaded).toEqual([...net.parameters().keys()]);
      const own = golden.attributes.names.filter((each) => !counters.includes(each));
      expect([...report.names.values()].sort()).toEqual(own.sort());
    }
  });
});

it('every file of make_weights.py is held', () => {
  expect(cases.map(({ name }) => name).sort()).toEqual(Object.keys(kinds).sort());
});
