import * as sn from '../../lib/index.ts';

const { layers, initializers } = sn;

/** A layer with what it must make of an input. Shapes are of one sample. */
export interface LayerCase {
  readonly title: string;
  readonly make: () => sn.layers.Layer;
  readonly input: readonly number[];
  readonly output: readonly number[];
  /** Shapes by name, states last. */
  readonly parameters?: Readonly<Record<string, readonly number[]>>;
  readonly states?: Readonly<Record<string, readonly number[]>>;
}

const image = [4, 6, 5];
const signal = [4, 9];

/** Every kind of layer, with its options away from their defaults. */
export const layerCases: readonly LayerCase[] = [
  {
    title: 'conv2d',
    make: () =>
      layers.conv2d({
        filters: 6,
        kernelSize: [3, 2],
        stride: [2, 1],
        padding: 'same',
        groups: 2,
        biasInitializer: initializers.normal({ deviation: 1 }),
      }),
    input: image,
    output: [6, 3, 5],
    parameters: { weight: [6, 2, 3, 2], bias: [6] },
  },
  {
    title: 'conv2d, flipped and dilated, without bias',
    make: () =>
      layers.conv2d({
        filters: 2,
        kernelSize: 2,
        dilation: 2,
        padding: 'full',
        flipKernel: true,
        bias: false,
        initializer: initializers.heNormal({ mode: 'fanOut' }),
      }),
    input: image,
    output: [2, 8, 7],
    parameters: { weight: [2, 4, 2, 2] },
  },
  {
    title: 'conv1d',
    make: () => layers.conv1d({ filters: 6, kernelSize: 3, stride: 2, padding: [2, 0], groups: 2 }),
    input: signal,
    output: [6, 5],
    parameters: { weight: [6, 2, 3], bias: [6] },
  },
  {
    title: 'convTranspose2d',
    make: () =>
      layers.convTranspose2d({
        filters: 6,
        kernelSize: 3,
        stride: 2,
        padding: 1,
        outputPadding: [1, 0],
        groups: 2,
      }),
    input: image,
    output: [6, 12, 9],
    parameters: { weight: [4, 3, 3, 3], bias: [6] },
  },
  {
    title: 'dense',
    make: () => layers.dense({ units: 3 }),
    input: [7],
    output: [3],
    parameters: { weight: [3, 7], bias: [3] },
  },
  {
    title: 'maxPool2d',
    make: () =>
      layers.maxPool2d({
        kernelSize: [3, 2],
        stride: 2,
        padding: 1,
        ceilMode: true,
        ties: 'split',
      }),
    input: image,
    output: [4, 4, 3],
  },
  {
    title: 'avgPool2d',
    make: () => layers.avgPool2d({ kernelSize: 3, padding: 1, stride: 2, countIncludePad: false }),
    input: image,
    output: [4, 3, 3],
  },
  {
    title: 'maxPool1d',
    make: () => layers.maxPool1d({ kernelSize: 3, stride: 2, padding: 1 }),
    input: signal,
    output: [4, 5],
  },
  {
    title: 'avgPool1d',
    make: () => layers.avgPool1d({ kernelSize: 2 }),
    input: signal,
    output: [4, 4],
  },
  {
    title: 'globalAvgPool1d',
    make: () => layers.globalAvgPool1d(),
    input: signal,
    output: [4],
  },
  {
    title: 'globalAvgPool2d',
    make: () => layers.globalAvgPool2d(),
    input: image,
    output: [4],
  },
  {
    title: 'adaptiveAvgPool2d',
    make: () => layers.adaptiveAvgPool2d({ outputSize: [4, 2] }),
    input: image,
    output: [4, 4, 2],
  },
  ...[
    layers.activation('linear'),
    layers.activation('relu'),
    layers.activation('relu6'),
    layers.activation('leakyRelu', { negativeSlope: 0.2 }),
    layers.activation('elu', { alpha: 0.5 }),
    layers.activation('selu'),
    layers.activation('gelu'),
    layers.activation('gelu', { approximate: 'tanh' }),
    layers.activation('sigmoid'),
    layers.activation('tanh'),
    layers.activation('softplus', { beta: 2, threshold: 1 }),
    layers.activation('mish'),
    layers.activation('swish'),
    layers.activation('hardSwish'),
    layers.activation('softmax'),
    layers.activation('logSoftmax'),
  ].map((layer) => ({
    title: `activation ${Object.values(layer.options).toReversed().join(' ')}`,
    make: () => layer,
    input: [7],
    output: [7],
  })),
  {
    title: 'activation softmax over channels',
    make: () => layers.activation('softmax', { axis: 1 }),
    input: image,
    output: image,
  },
  { title: 'flatten', make: () => layers.flatten(), input: image, output: [120] },
  {
    title: 'sequential',
    make: () =>
      layers.sequential({
        layers: [layers.flatten(), layers.dense({ units: 5, name: 'last', activation: 'relu' })],
      }),
    input: image,
    output: [5],
    parameters: { 'last.weight': [5, 120], 'last.bias': [5] },
  },
  {
    title: 'residual',
    make: () =>
      layers.residual({
        layers: [layers.conv2d({ filters: 3, kernelSize: 3, padding: 1 })],
        shortcut: [layers.conv2d({ filters: 3, kernelSize: 1, bias: false })],
        activation: 'relu',
      }),
    input: image,
    output: [3, 6, 5],
    parameters: {
      'body.0.weight': [3, 4, 3, 3],
      'body.0.bias': [3],
      'shortcut.0.weight': [3, 4, 1, 1],
    },
  },
  {
    title: 'residual, with names of its own',
    make: () =>
      layers.residual({
        layers: [layers.conv2d({ filters: 3, kernelSize: 1, bias: false, name: 'conv1' })],
        shortcut: [layers.conv2d({ filters: 3, kernelSize: 1, bias: false })],
        bodyName: null,
        shortcutName: 'downsample',
      }),
    input: image,
    output: [3, 6, 5],
    parameters: { 'conv1.weight': [3, 4, 1, 1], 'downsample.0.weight': [3, 4, 1, 1] },
  },
  {
    title: 'branches, concatenated',
    make: () =>
      layers.branches({
        branches: [
          [layers.conv2d({ filters: 3, kernelSize: 1 })],
          [layers.conv2d({ filters: 2, kernelSize: 1, bias: false }), layers.activation('tanh')],
          [],
        ],
        activation: 'sigmoid',
      }),
    input: image,
    output: [9, 6, 5],
    parameters: { '0.0.weight': [3, 4, 1, 1], '0.0.bias': [3], '1.0.weight': [2, 4, 1, 1] },
  },
  {
    title: 'branches, concatenated features',
    make: () => layers.branches({ branches: [[layers.dense({ units: 2 })], []] }),
    input: [5],
    output: [7],
    parameters: { '0.0.weight': [2, 5], '0.0.bias': [2] },
  },
  {
    title: 'branches, added',
    make: () =>
      layers.branches({
        branches: [
          [layers.conv2d({ filters: 4, kernelSize: 3, padding: 1, name: 'wide' })],
          [layers.conv2d({ filters: 4, kernelSize: 1, bias: false })],
          [],
        ],
        merge: 'add',
      }),
    input: image,
    output: image,
    parameters: {
      '0.wide.weight': [4, 4, 3, 3],
      '0.wide.bias': [4],
      '1.0.weight': [4, 4, 1, 1],
    },
  },
  {
    title: 'pad',
    make: () =>
      layers.pad({
        padding: [
          [1, 2],
          [0, 3],
        ],
        mode: 'reflect',
      }),
    input: image,
    output: [4, 9, 8],
  },
  {
    title: 'pad of signals',
    make: () => layers.pad({ padding: [2, 1], value: -3 }),
    input: signal,
    output: [4, 12],
  },
  ...[[5], signal, image].map(
    (shape): LayerCase => ({
      title: `batchNorm of (${shape})`,
      make: () => layers.batchNorm({ momentum: 0.3, epsilon: 1e-3, activation: 'tanh' }),
      input: shape,
      output: shape,
      parameters: { weight: [shape[0] as number], bias: [shape[0] as number] },
      states: { running_mean: [shape[0] as number], running_var: [shape[0] as number] },
    }),
  ),
  {
    title: 'batchNorm without factor and offset',
    make: () => layers.batchNorm({ affine: false }),
    input: image,
    output: image,
    states: { running_mean: [4], running_var: [4] },
  },
  { title: 'dropout', make: () => layers.dropout({ rate: 0.3 }), input: image, output: image },
  {
    title: 'spatialDropout',
    make: () => layers.spatialDropout(),
    input: signal,
    output: signal,
  },
  {
    title: 'layerNorm of the whole sample',
    make: () => layers.layerNorm({ epsilon: 1e-3 }),
    input: image,
    output: image,
    parameters: { weight: image, bias: image },
  },
  {
    title: 'layerNorm of rows',
    make: () => layers.layerNorm({ normalizedShape: 5, activation: 'relu' }),
    input: image,
    output: image,
    parameters: { weight: [5], bias: [5] },
  },
  {
    title: 'normalization of images',
    make: () =>
      layers.normalization({ mean: [0.1, -0.2, 0, 3], std: [0.5, 2, 0.1, 7], name: 'own' }),
    input: image,
    output: image,
  },
  {
    title: 'normalization of signals by one number',
    make: () => layers.normalization({ mean: 0.5, std: [0.25, 1, 2, 3] }),
    input: signal,
    output: signal,
  },
  {
    title: 'groupNorm',
    make: () => layers.groupNorm({ groups: 2, activation: 'tanh' }),
    input: image,
    output: image,
    parameters: { weight: [4], bias: [4] },
  },
  {
    title: 'groupNorm of signals, without factor and offset',
    make: () => layers.groupNorm({ groups: 4, affine: false }),
    input: signal,
    output: signal,
  },
  {
    title: 'localResponseNorm',
    make: () => layers.localResponseNorm({ size: 3, alpha: 0.5, beta: 0.6, k: 2 }),
    input: image,
    output: image,
  },
  {
    title: 'selectChannels',
    make: () => layers.selectChannels({ channels: [3, 0, 3] }),
    input: image,
    output: [3, 6, 5],
  },
  {
    title: 'custom',
    make: () =>
      layers.custom(
        (x, { weight, offset, mean }, { training, update }) => {
          const batch = sn.ops.mean(x, { axis: 0 });
          if (training) update('mean', sn.ops.add(sn.ops.mul(mean, 0.9), sn.ops.mul(batch, 0.1)));
          const centred = sn.ops.sub(x, training ? batch : mean);
          return sn.ops.tanh(sn.ops.add(sn.ops.linear(centred, weight), offset));
        },
        {
          title: 'centred',
          parameters: {
            weight: { shape: ([features = 0]) => [3, features] },
            offset: { shape: [3], initializer: initializers.normal() },
            mean: { shape: (input) => input, state: true },
          },
        },
      ),
    input: [7],
    output: [3],
    parameters: { weight: [3, 7], offset: [3] },
    states: { mean: [7] },
  },
  {
    title: 'prelu',
    make: () => layers.prelu(),
    input: [7],
    output: [7],
    parameters: { weight: [1] },
  },
  {
    title: 'prelu by channel',
    make: () => layers.prelu({ perChannel: true, initializer: initializers.normal() }),
    input: image,
    output: image,
    parameters: { weight: [4] },
  },
  {
    title: 'maxout',
    make: () => layers.maxout({ units: 3, pieces: 4 }),
    input: [7],
    output: [3],
    parameters: { weight: [12, 7], bias: [12] },
  },
];
