import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { parameterCount } from './support/models.ts';
import { relativeDistance } from './support/networks.ts';

/** A network of one layer. */
function only(layer: sn.Layer, inputShape: sn.Shape): sn.Network {
  return sn.sequential({ inputShape, layers: [layer], seed: 1 });
}

/** The sizes of a network's parameters, by key. */
function shapes(net: sn.Network): Record<string, sn.Shape> {
  return Object.fromEntries(net.architecture.parameters.map(({ key, shape }) => [key, shape]));
}

describe('D1: LeNet-5', () => {
  it('D1: learns from 10,000 digits to tell 93 % of others', async () => {
    const { train, test } = await sn.data.mnist();
    const net = sn.models.lenet5({ seed: 1 });
    const some = sn.data.slice(train, 0, 10_000);
    await net.fit(some, { epochs: 2, batchSize: 50, optimizer: sn.optimizers.adam(2e-3) });
    const { accuracy } = await net.evaluate(test);
    expect(accuracy).toBeGreaterThan(0.93);
  });

  it('D1: takes other activations and pooling', async () => {
    const net = sn.models.lenet5({ activation: 'relu', pooling: 'max', classes: 3 });
    expect(net.layers().map(({ name }) => name)).toContain('1 (maxPool2d)');
    expect(parameterCount(net)).toBe(61_706 - 7 * 85);
    const { layer } = net.architecture.layers[2] as { layer: sn.Layer };
    expect(layer.options).toMatchObject({ filters: 16, activation: 'relu' });
  });
});

describe('D2: the connections of C3', () => {
  const table = sn.models.lenet5Connections;
  const net = sn.models.lenet5Original({ seed: 4 });
  const c3 = net.architecture.layers[2]?.layer as sn.Layer;

  it('D2: are 60, of which six maps have 3, nine 4 and the last all 6: 1,516 parameters', () => {
    expect(table.map(({ length }) => length)).toEqual([
      ...Array(6).fill(3),
      ...Array(9).fill(4),
      6,
    ]);
    expect(net.layers()[2]?.parameters).toBe(25 * 60 + 16);
    expect(net.layers()[2]?.parameters).toBe(1516);
    expect(net.layers()[2]?.outputShape).toEqual([16, 10, 10]);
    expect(parameterCount(sn.models.lenet5()) - parameterCount(net)).toBe(25 * (96 - 60));
  });

  it('D2: the table stays as it is, and a convolution by it has the name it is given', () => {
    expect(() => (table[0] as number[]).push(5)).toThrow(TypeError);
    expect(() => (table as unknown[]).pop()).toThrow(TypeError);
    const named = only(sn.models.partialConv2d(table, { kernelSize: 5, name: 'c3' }), [6, 9, 9]);
    expect([...named.parameters().keys()].slice(0, 3)).toEqual(
      ['0.1.weight', '0.1.bias', '1.1.weight'].map((key) => `c3.${key}`),
    );
  });

  it('D2: an impulse in a map of S2 shows in the maps of C3 that list it, and in no other', async () => {
    const layer = only(c3, [6, 14, 14]);
    const still = await layer.predict(sn.zeros([1, 6, 14, 14]));
    for (let map = 0; map < 6; map++) {
      const x = sn.zeros([1, 6, 14, 14]);
      x.data[(map * 14 + 7) * 14 + 7] = 1;
      const y = await layer.predict(x);
      const touched = table.map((_, k) => {
        const changed = (i: number): boolean => y.data[k * 100 + i] !== still.data[k * 100 + i];
        return Array.from({ length: 100 }, (__, i) => i).some(changed);
      });
      expect(touched, `map ${map}`).toEqual(table.map((seen) => seen.includes(map)));
    }
  });

  it('D2: it is the full convolution with zeros where nothing is connected', async () => {
    const linear = only(
      sn.models.partialConv2d(table, { kernelSize: 5, biasInitializer: sn.initializers.normal() }),
      [6, 14, 14],
    );
    const values = linear.parameters();
    const groups = [0, 1, 2].map((g) => values.get(`0.${g}.1.weight`) as sn.Tensor);
    const weight = sn.zeros([16, 6, 5, 5]);
    const filters = groups.flatMap((group) =>
      Array.from({ length: group.shape[0] as number }, (_, k) =>
        group.data.slice((k * group.size) / (group.shape[0] as number)),
      ),
    );
    table.forEach((seen, k) => {
      seen.forEach((map, c) => {
        weight.data.set(
          filters[k]?.slice(25 * c, 25 * (c + 1)) as Float32Array,
          (k * 6 + map) * 25,
        );
      });
    });
    const biases = [0, 1, 2].map((g) => values.get(`0.${g}.1.bias`) as sn.Tensor);
    const bias = sn.tensor(
      biases.flatMap(({ data }) => [...data]),
      [16],
    );
    const x = sn.zeros([2, 6, 14, 14]);
    for (let i = 0; i < x.size; i++) x.data[i] = Math.fround(Math.sin(i));
    const expected = sn.ops.conv2d(x, weight, bias);
    const found = await linear.predict(x);
    expect(relativeDistance(found, expected)).toBeLessThan(1e-6);
  });
});

describe('D3: AlexNet', () => {
  it('D3: in two towers has the parameters of a hand count, half of them seen in three layers', () => {
    const net = sn.models.alexnetTwoTowers();
    const convolutions = [
      96 * 3 * 11 * 11 + 96,
      256 * (96 / 2) * 5 * 5 + 256,
      384 * 256 * 3 * 3 + 384,
      384 * (384 / 2) * 3 * 3 + 384,
      256 * (384 / 2) * 3 * 3 + 256,
    ];
    const dense = [4096 * (256 * 6 * 6) + 4096, 4096 * 4096 + 4096, 1000 * 4096 + 1000];
    const [features, , classifier] = net.layers();
    const within = (of: sn.LayerSummary | undefined): number[] =>
      (of?.layers ?? []).flatMap(({ parameters }) => (parameters === 0 ? [] : [parameters]));
    expect(within(features)).toEqual(convolutions);
    expect(within(classifier)).toEqual(dense);
    expect(features?.outputShape).toEqual([256, 6, 6]);
  });

  it('D3: the towers exchange maps in the third convolution alone', async () => {
    const { layer } = sn.models.alexnetTwoTowers().architecture.layers[0] as { layer: sn.Layer };
    const inside = layer.inner([3, 224, 224]);
    for (const [place, shape] of [
      [3, [96, 13, 13]],
      [6, [256, 9, 9]],
      [7, [384, 9, 9]],
      [8, [384, 9, 9]],
    ] as const) {
      const net = only(inside[place]?.layer as sn.Layer, shape);
      const [channels, height, width] = shape;
      const x = sn.zeros([1, ...shape]);
      const still = await net.predict(x);
      x.data.fill(1, 0, (channels / 2) * height * width);
      const y = await net.predict(x);
      const half = y.size / 2;
      const changes = (from: number, to: number): boolean =>
        y.data.subarray(from, to).some((value, i) => value !== still.data[from + i]);
      expect(changes(0, half)).toBe(true);
      expect(changes(half, y.size), `layer ${place}`).toBe(place === 6);
    }
  });

  it('D3: parameters are called as torchvision calls them', () => {
    const features = [0, 3, 6, 8, 10].map((place) => `features.${place}`);
    const dense = [1, 4, 6].map((place) => `classifier.${place}`);
    const names = [...features, ...dense].flatMap((place) => [`${place}.weight`, `${place}.bias`]);
    expect(Object.keys(shapes(sn.models.alexnet()))).toEqual(names);
    expect(shapes(sn.models.alexnet())['classifier.1.weight']).toEqual([4096, 9216]);
  });
});

describe('D4: network-in-network', () => {
  it('D4: has the parameters of a hand count', () => {
    const blocks = [
      [3, 5, 192, 160, 96],
      [96, 5, 192, 192, 192],
      [192, 3, 192, 192, 10],
    ] as const;
    const counts = blocks.map(([channels, size, first, second, third]) => [
      first * (channels * size * size + 1),
      second * (first + 1),
      third * (second + 1),
    ]);
    const net = sn.models.networkInNetwork();
    const found = net.layers().filter(({ parameters }) => parameters > 0);
    expect(found.map(({ layers }) => layers.map(({ parameters }) => parameters))).toEqual(counts);
    expect(counts.flat().reduce((a, b) => a + b)).toBe(966_986);
  });

  it('D4: an mlpconv block is a small network at every place', async () => {
    const net = only(sn.models.mlpconv({ filters: [4, 3, 2], kernelSize: 1 }), [5, 3, 2]);
    const x = sn.zeros([1, 5, 3, 2]);
    for (let i = 0; i < x.size; i++) x.data[i] = Math.sin(3 * i);
    const y = await net.predict(x);
    const values = net.parameters();
    const at = (key: string): sn.Tensor => values.get(key) as sn.Tensor;
    const place = sn.tensor(
      Array.from({ length: 5 }, (_, c) => x.data[c * 6 + 4] as number),
      [1, 5],
    );
    const mlp = [0, 1, 2].reduce<sn.Tensor>((input, i) => {
      const { data, shape } = at(`0.${i}.weight`);
      const weight = new sn.Tensor(data, shape.slice(0, 2), 'float32');
      return sn.ops.relu(sn.ops.linear(input, weight, at(`0.${i}.bias`)));
    }, place);
    expect(y.data[4]).toBeCloseTo(mlp.data[0] as number, 5);
    expect(y.data[10]).toBeCloseTo(mlp.data[1] as number, 5);
  });
});

describe('D6: split, transform, merge', () => {
  const settings = {
    ...{ filters1x1: 64, reduce3x3: 96, filters3x3: 128, reduce5x5: 16, filters5x5: 32 },
    poolProjection: 32,
  };

  it('D6: inception 3a has the 163,696 parameters of a hand count, and 256 maps', () => {
    const net = only(sn.models.inception(settings), [192, 28, 28]);
    const convolution = (channels: number, filters: number, size: number): number =>
      filters * (channels * size * size + 1);
    const ways = [
      convolution(192, 64, 1),
      convolution(192, 96, 1) + convolution(96, 128, 3),
      convolution(192, 16, 1) + convolution(16, 32, 5),
      convolution(192, 32, 1),
    ];
    expect(parameterCount(net)).toBe(ways.reduce((a, b) => a + b));
    expect(parameterCount(net)).toBe(163_696);
    expect(net.architecture.outputShape).toEqual([256, 28, 28]);
  });

  it('D6: the block is its four ways side by side', async () => {
    const net = only(
      sn.models.inception({
        ...{ filters1x1: 3, reduce3x3: 2, filters3x3: 4, reduce5x5: 1, filters5x5: 2 },
        poolProjection: 5,
      }),
      [6, 7, 5],
    );
    const x = sn.zeros([2, 6, 7, 5]);
    for (let i = 0; i < x.size; i++) x.data[i] = Math.cos(i);
    const values = net.parameters();
    const convolve = (input: sn.Tensor, place: string): sn.Tensor => {
      const weight = values.get(`0.${place}.weight`) as sn.Tensor;
      const bias = values.get(`0.${place}.bias`) as sn.Tensor;
      const padding = ((weight.shape[2] as number) - 1) / 2;
      return sn.ops.relu(sn.ops.conv2d(input, weight, bias, { padding }));
    };
    const pooled = sn.ops.maxPool2d(x, { kernelSize: 3, stride: 1, padding: 1 });
    const ways = [
      convolve(x, '0.0'),
      convolve(convolve(x, '1.0'), '1.1'),
      convolve(convolve(x, '2.0'), '2.1'),
      convolve(pooled, '3.1'),
    ];
    const expected = sn.ops.concat(ways, { axis: 1 });
    const found = await net.predict(x);
    expect(found.shape).toEqual([2, 14, 7, 5]);
    expect(relativeDistance(found, expected)).toBeLessThan(1e-6);
  });

  it('D6: the first block of ResNeXt-50 (32x4d) has the parameters of a hand count', () => {
    const net = only(sn.models.resnextBlock({ filters: 256, projection: true }), [64, 56, 56]);
    const normalization = 2 * (128 + 128 + 256 + 256);
    const weights = 64 * 128 + 128 * (128 / 32) * 9 + 128 * 256 + 64 * 256;
    expect(parameterCount(net)).toBe(weights + normalization);
    expect(parameterCount(net)).toBe(63_488);
    expect(shapes(net)['0.conv2.weight']).toEqual([128, 4, 3, 3]);
    expect(net.architecture.outputShape).toEqual([256, 56, 56]);
  });

  it('D6: groups are as many ways through a bottleneck, added', async () => {
    const [channels, groups, groupWidth] = [6, 3, 2];
    const block = sn.models.resnextBlock({ filters: channels, groups, groupWidth });
    const net = sn.sequential({
      ...{ inputShape: [channels, 5, 4], layers: [block], dtype: 'float64', seed: 2 },
    });
    const values = net.parameters();
    const at = (key: string): sn.Tensor => values.get(`0.${key}`) as sn.Tensor;
    const x = sn.zeros([2, channels, 5, 4], 'float64');
    for (let i = 0; i < x.size; i++) x.data[i] = Math.sin(i);
    // Fresh running statistics are mean 0 and variance 1.
    const scale = 1 / Math.sqrt(1 + 1e-5);
    const normalized = (y: sn.Tensor): sn.Tensor => sn.ops.mul(y, scale);
    const ways = Array.from({ length: groups }, (_, g) => {
      const [from, to] = [g * groupWidth, (g + 1) * groupWidth];
      const reduce = sn.ops.slice(at('conv1.weight'), [[from, to]]);
      const middle = sn.ops.slice(at('conv2.weight'), [[from, to]]);
      const expand = sn.ops.slice(at('conv3.weight'), [null, [from, to]]);
      const first = sn.ops.relu(normalized(sn.ops.conv2d(x, reduce)));
      const second = sn.ops.relu(normalized(sn.ops.conv2d(first, middle, null, { padding: 1 })));
      return normalized(sn.ops.conv2d(second, expand));
    });
    const expected = sn.ops.relu(ways.reduce((sum, way) => sn.ops.add(sum, way), x));
    const found = await net.predict(x);
    expect(relativeDistance(found, expected)).toBeLessThan(1e-14);
  });
});

describe('D5: residual networks', () => {
  const narrow = { stem: 'small', width: 4, classes: 10 } as const;

  it('D5: ResNet-18 has 11,689,512 parameters, and 11,173,962 for 32x32 images of 10 classes', () => {
    expect(parameterCount(sn.models.resnet18())).toBe(11_689_512);
    expect(parameterCount(sn.models.resnet18({ stem: 'small', classes: 10 }))).toBe(11_173_962);
  });

  it('D5: parameters have the names and shapes of torchvision', () => {
    expect(shapes(sn.models.resnet18())).toMatchObject({
      'conv1.weight': [64, 3, 7, 7],
      'bn1.running_mean': [64],
      'layer1.0.conv1.weight': [64, 64, 3, 3],
      'layer2.0.downsample.0.weight': [128, 64, 1, 1],
      'layer2.0.downsample.1.running_var': [128],
      'layer4.1.bn2.bias': [512],
      'fc.weight': [1000, 512],
    });
    expect(shapes(sn.models.resnet50())).toMatchObject({
      'layer1.0.downsample.0.weight': [256, 64, 1, 1],
      'layer3.5.conv2.weight': [256, 256, 3, 3],
      'layer4.2.conv3.weight': [2048, 512, 1, 1],
    });
    expect(shapes(sn.models.mobilenetV2())).toMatchObject({
      'features.0.0.weight': [32, 3, 3, 3],
      'features.1.conv.1.weight': [16, 32, 1, 1],
      'features.2.conv.1.0.weight': [96, 1, 3, 3],
      'features.17.conv.3.running_mean': [320],
      'features.18.1.weight': [1280],
      'classifier.1.weight': [1000, 1280],
    });
  });

  it.each<[string, (seed: number) => sn.Network]>([
    ['resnet18', (seed) => sn.models.resnet18({ ...narrow, seed })],
    ['resnet50', (seed) => sn.models.resnet50({ ...narrow, seed })],
    [
      'mobilenetV2',
      (seed) => sn.models.mobilenetV2({ widthMultiplier: 0.25, inputShape: [3, 32, 32], seed }),
    ],
  ])('D5: %s comes back from its file, or its parameters alone do', async (_, make) => {
    const folder = await mkdtemp(join(tmpdir(), 'stridenet-'));
    try {
      const path = join(folder, 'weights.safetensors');
      const [net, other] = [make(5), make(6)];
      await net.save(path);
      const x = sn.full([2, 3, 32, 32], 0.5);
      x.data.fill(-1, 0, 2000);
      const expected = (await net.predict(x)).data;
      expect((await other.predict(x)).data).not.toEqual(expected);
      await other.loadWeights(path);
      expect((await other.predict(x)).data).toEqual(expected);
      expect((await (await sn.load(path)).predict(x)).data).toEqual(expected);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('D5: weights are drawn with the deviations of torchvision, whatever the groups', () => {
    const deviation = (net: sn.Network, key: string): number => {
      const { data } = net.parameters().get(key) as sn.Tensor;
      return Math.sqrt(Array.from(data).reduce((sum, value) => sum + value ** 2, 0) / data.length);
    };
    const residual = sn.models.resnet18({ stem: 'small', width: 32, classes: 100 });
    const mobile = sn.models.mobilenetV2({ classes: 100 });
    const expected: readonly (readonly [sn.Network, string, number])[] = [
      [residual, 'layer3.0.conv1.weight', Math.sqrt(2 / (128 * 9))],
      [residual, 'layer3.0.downsample.0.weight', Math.sqrt(2 / 128)],
      [residual, 'fc.weight', 1 / Math.sqrt(3 * 256)],
      [residual, 'fc.bias', 1 / Math.sqrt(3 * 256)],
      [mobile, 'features.17.conv.1.0.weight', Math.sqrt(2 / (960 * 9))],
      [mobile, 'classifier.1.weight', 0.01],
    ];
    for (const [net, key, value] of expected) {
      expect(deviation(net, key) / value, key).toBeGreaterThan(0.9);
      expect(deviation(net, key) / value, key).toBeLessThan(1.1);
    }
  });
});
