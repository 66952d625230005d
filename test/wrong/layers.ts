import { layers } from '../../lib/index.ts';
import {
  choice,
  count,
  counts,
  flag,
  numeric,
  padding,
  required,
  sizes,
  type ValueRule,
  value,
} from './rules.ts';

/** A layer that works, every option of it, and inputs of a sample that it takes and does not. */
export interface ValidLayer {
  readonly options: Readonly<Record<string, ValueRule>>;
  /** Made by hand where options are not the only argument. */
  readonly make?: (options: object) => layers.Layer;
  readonly input: readonly number[];
  readonly wrongInputs: readonly (readonly number[])[];
}

type Options = Readonly<Record<string, ValueRule>>;

const image = [4, 7, 7];
const signal = [4, 9];
const noImages = [[7, 7], [7], [1, 4, 7, 7]];
const inf = Number.POSITIVE_INFINITY;
const noSignals = [[9], [4, 3, 3]];

const wrongNames = [5, '', '0a', 'a b', 'a.b', {}];
const name: Options = { name: value('own', wrongNames) };
const learned: Options = {
  ...name,
  trainable: flag(true),
  optimizer: value(undefined, [5, 'adam', {}, true]),
};
const weights: Options = {
  ...learned,
  activation: choice('relu'),
  initializer: value(undefined, [5, 'heNormal', {}, true]),
  biasInitializer: value(undefined, [5, 'zeros', {}]),
  bias: flag(true),
};
const inner = value([layers.activation('relu')], [5, [5], [{}], [null], 'relu', {}]);
const epsilon = numeric(1e-5, -1);
const affine: Options = { ...learned, epsilon, affine: flag(true), activation: choice('relu') };
const rate: Options = { ...name, rate: numeric(0.5, -0.1, 1) };
const maximum: Options = { dilation: counts(1), ties: choice('all') };

const windows: Options = {
  ...name,
  kernelSize: required(counts(3)),
  stride: counts(2),
  padding: padding(1),
  ceilMode: flag(false),
};
const windows1d: Options = {
  ...name,
  kernelSize: required(count(3)),
  stride: count(2),
  padding: padding(1, true),
  ceilMode: flag(false),
};

/** One valid layer of every kind. */
export const validLayers: Readonly<Record<string, ValidLayer>> = {
  conv2d: {
    options: {
      ...weights,
      filters: required(count(6)),
      kernelSize: required(counts(3)),
      stride: counts(2),
      padding: padding(1),
      dilation: counts(1),
      groups: count(2),
      flipKernel: flag(false),
    },
    input: image,
    wrongInputs: [...noImages, [5, 7, 7]],
  },
  conv1d: {
    options: {
      ...weights,
      filters: required(count(6)),
      kernelSize: required(count(3)),
      stride: count(2),
      padding: padding(1, true),
      dilation: count(1),
      groups: count(2),
      flipKernel: flag(false),
    },
    input: signal,
    wrongInputs: [...noSignals, [5, 9]],
  },
  convTranspose2d: {
    options: {
      ...weights,
      filters: required(count(6)),
      kernelSize: required(counts(3)),
      stride: counts(2),
      padding: padding(1),
      outputPadding: value(1, [...sizes(0).wrong, 2]),
      dilation: counts(1),
      groups: count(2),
    },
    input: image,
    wrongInputs: [...noImages, [5, 7, 7]],
  },
  dense: {
    options: { ...weights, units: required(count(3)) },
    input: [7],
    wrongInputs: [
      [7, 7],
      [4, 7, 7],
    ],
  },
  maxPool2d: {
    options: { ...windows, ...maximum },
    input: image,
    wrongInputs: noImages,
  },
  maxPool1d: {
    options: { ...windows1d, dilation: count(1), ties: choice('all') },
    input: signal,
    wrongInputs: noSignals,
  },
  avgPool2d: {
    options: { ...windows, countIncludePad: flag(true) },
    input: image,
    wrongInputs: noImages,
  },
  avgPool1d: {
    options: { ...windows1d, countIncludePad: flag(true) },
    input: signal,
    wrongInputs: noSignals,
  },
  globalAvgPool1d: { options: name, input: signal, wrongInputs: noSignals },
  globalAvgPool2d: { options: name, input: image, wrongInputs: noImages },
  adaptiveAvgPool2d: {
    options: { ...name, outputSize: required(counts(2)) },
    input: image,
    wrongInputs: noImages,
  },
  flatten: { options: name, input: image, wrongInputs: [] },
  activation: {
    options: name,
    make: (options) => layers.activation('relu', options),
    input: image,
    wrongInputs: [],
  },
  prelu: {
    options: { ...learned, perChannel: flag(true), initializer: weights.initializer as ValueRule },
    input: image,
    wrongInputs: [],
  },
  maxout: {
    options: { ...weights, units: required(count(3)), pieces: required(count(2)) },
    input: [7],
    wrongInputs: [
      [7, 7],
      [4, 7, 7],
    ],
  },
  dropout: { options: rate, input: image, wrongInputs: [] },
  spatialDropout: { options: rate, input: image, wrongInputs: [] },
  batchNorm: {
    options: { ...affine, momentum: numeric(0.1, -0.1, 1.1) },
    input: image,
    wrongInputs: [[1, 4, 7, 7]],
  },
  layerNorm: {
    options: { ...affine, normalizedShape: value(7, [0, -7, 1.5, '7', {}, [0], ['7']]) },
    input: image,
    wrongInputs: [[4, 7, 8]],
  },
  groupNorm: {
    options: { ...affine, groups: required(count(2)) },
    input: image,
    wrongInputs: [[5, 7, 7]],
  },
  localResponseNorm: {
    options: {
      ...name,
      size: required(count(3)),
      alpha: numeric(1e-4, -1, inf),
      beta: numeric(0.75, inf),
      k: numeric(2, 0, -1, inf),
    },
    input: image,
    wrongInputs: [],
  },
  normalization: {
    options: {
      ...name,
      mean: required(value([0, 1, 2, 3], [[], [0, 1, Number.NaN, 3], inf, '0', {}, true])),
      std: required(value(2, [0, -1, [1, 0, 1, 1], [], [1, 1, inf, 1], '1', {}, true])),
    },
    input: image,
    wrongInputs: [
      [3, 7, 7],
      [1, 4, 7, 7],
    ],
  },
  selectChannels: {
    options: { ...name, channels: required(value([3, 0, 3], [[], 3, [-1], [0.5], ['0'], {}])) },
    input: image,
    wrongInputs: [[3, 7, 7], [3]],
  },
  pad: {
    options: {
      ...name,
      padding: required(padding(1)),
      mode: choice('replicate'),
      value: value(0, ['1', {}, true]),
    },
    input: image,
    wrongInputs: [[7], [1, 4, 7, 7]],
  },
  residual: {
    options: {
      ...learned,
      layers: required(inner),
      shortcut: inner,
      activation: choice('relu'),
      bodyName: value(null, wrongNames),
      shortcutName: value('passing', [...wrongNames, null]),
    },
    input: image,
    wrongInputs: [],
  },
  branches: {
    options: {
      ...learned,
      branches: required(value([inner.value, []], [5, [], [5], [[5]], {}])),
      merge: choice('add'),
      activation: choice('relu'),
    },
    input: image,
    wrongInputs: [],
  },
  custom: {
    options: {
      ...learned,
      title: value('custom', [5, '', ' ', 'two\nlines', {}]),
      parameters: value({ scale: { shape: [1] } }, [
        5,
        [],
        ...[5, {}, { shape: 5 }, { shape: [1], unheardOf: 1 }].map((scale) => ({
          scale,
        })),
        ...[{ initializer: 5 }, { optimizer: 'adam' }, { trainable: 1 }, { state: 'yes' }].map(
          (wrong) => ({ scale: { shape: [1], ...wrong } }),
        ),
        { scale: { shape: [1], fan: 5 } },
        { 'a.b': { shape: [1] } },
      ]),
    },
    make: (options) => layers.custom((x) => x, options),
    input: image,
    wrongInputs: [],
  },
  sequential: { options: { ...learned, layers: required(inner) }, input: image, wrongInputs: [] },
};
