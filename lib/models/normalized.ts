import { heNormal, heUniform } from '../initializers/index.ts';
import { batchNorm } from '../layers/batchNorm.ts';
import { conv2d } from '../layers/conv2d.ts';
import { dense } from '../layers/dense.ts';
import type { Layer, LearnedOptions } from '../layers/layer.ts';
import { residual } from '../layers/residual.ts';

/** How a convolution with batch normalization differs from one of 3x3, stride 1. */
interface ConvolutionOptions {
  /** Default 3. */
  kernelSize?: number;
  /** Default 1. */
  stride?: number;
  /** Default 1. */
  groups?: number;
  /** After normalization; default 'relu'. */
  activation?: 'linear' | 'relu' | 'relu6';
  /** Of the convolution and of the normalization; default: their places. */
  names?: readonly [string, string];
}

/**
 * A convolution of odd size that keeps the image's size at stride 1, without bias, and its batch
 * normalization. The weight is normal of variance 2/(K·R·S), as torchvision draws it.
 */
export function normalizedConv2d(
  filters: number,
  { kernelSize = 3, stride = 1, groups = 1, activation = 'relu', names }: ConvolutionOptions = {},
): Layer[] {
  const [convolution, normalization] = (names ?? []).map((name) => ({ name }));
  return [
    conv2d({
      ...{ filters, kernelSize, stride, groups, bias: false },
      padding: (kernelSize - 1) / 2,
      // PyTorch's fan-out of a grouped convolution counts the filters of all groups.
      initializer: heNormal({ mode: 'fanOut', gain: Math.sqrt(2 / groups) }),
      ...convolution,
    }),
    batchNorm({ activation, ...normalization }),
  ];
}

/** What fits the input of a residual block to its output. */
interface Passing {
  /** Channels of the output. */
  readonly filters: number;
  readonly stride: number;
  /** Whether a 1x1 convolution with batch normalization does, or the input passes as it is. */
  readonly projection: boolean;
}

/** relu(body + what passes by), with torchvision's names: the body's own, and 'downsample'. */
export function normalizedResidual(
  body: readonly Layer[],
  { filters, stride, projection }: Passing,
  options: LearnedOptions = {},
): Layer {
  const passing = { kernelSize: 1, stride, activation: 'linear' } as const;
  return residual({
    ...options,
    layers: body,
    shortcut: projection ? normalizedConv2d(filters, passing) : [],
    activation: 'relu',
    bodyName: null,
    shortcutName: 'downsample',
  });
}

/** A dense layer with softmax, drawn as PyTorch's Linear: weight and bias uniform within ±1/√F. */
export function uniformDense(units: number, name: string): Layer {
  const initializer = heUniform({ gain: Math.sqrt(1 / 3) });
  return dense({ units, name, activation: 'softmax', initializer, biasInitializer: initializer });
}
