import { checkOptions, within } from '../errors.ts';
import { branches } from '../layers/branches.ts';
import { conv2d } from '../layers/conv2d.ts';
import { type Layer, type LearnedOptions, learnedOptionNames } from '../layers/layer.ts';
import { maxPool2d } from '../layers/maxPool2d.ts';
import { checkInteger } from '../shape.ts';

/** Filters of the convolutions of an inception block, as the paper's table names its columns. */
export interface InceptionOptions extends LearnedOptions {
  /** 1x1. */
  filters1x1: number;
  /** 1x1 before the 3x3. */
  reduce3x3: number;
  /** 3x3. */
  filters3x3: number;
  /** 1x1 before the 5x5. */
  reduce5x5: number;
  /** 5x5. */
  filters5x5: number;
  /** 1x1 after the pooling. */
  poolProjection: number;
}

const filterNames = [
  ...(['filters1x1', 'reduce3x3', 'filters3x3', 'reduce5x5', 'filters5x5'] as const),
  'poolProjection',
] as const;

function convolution(filters: number, kernelSize: number): Layer {
  return conv2d({ filters, kernelSize, padding: 'same', activation: 'relu' });
}

/**
 * GoogLeNet's block (Szegedy and others, "Going deeper with convolutions", 2015): split, transform,
 * merge. Four ways side by side, a 1x1 convolution; a 1x1 and a 3x3; a 1x1 and a 5x5; max pooling 3x3
 * and a 1x1; each convolution with ReLU; their outputs are concatenated: (C,H,W) →
 * (filters1x1 + filters3x3 + filters5x5 + poolProjection,H,W). Parameters: '0.0.weight', '1.0.weight',
 * '1.1.weight', '2.0.weight', '2.1.weight', '3.1.weight' and biases.
 *
 * ```ts
 * const inception3a = sn.models.inception({
 *   filters1x1: 64, reduce3x3: 96, filters3x3: 128, reduce5x5: 16, filters5x5: 32, poolProjection: 32,
 * }); // for 192 channels: 163,696 parameters, 256 channels out
 * ```
 * @throws ERR_ARGUMENT for an option that is none
 */
export function inception(options: InceptionOptions): Layer {
  checkOptions('inception', options, [...filterNames, ...learnedOptionNames]);
  const { filters1x1, reduce3x3, filters3x3, reduce5x5, filters5x5, poolProjection, ...rest } =
    options;
  for (const name of filterNames) checkInteger('inception', name, options[name], 1);
  return within('inception', () =>
    branches({
      ...rest,
      branches: [
        [convolution(filters1x1, 1)],
        [convolution(reduce3x3, 1), convolution(filters3x3, 3)],
        [convolution(reduce5x5, 1), convolution(filters5x5, 5)],
        [maxPool2d({ kernelSize: 3, stride: 1, padding: 1 }), convolution(poolProjection, 1)],
      ],
    }),
  );
}
