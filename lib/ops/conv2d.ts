import { argumentError, checkOptions, StridenetError, shapeError } from '../errors.ts';
import {
  checkInteger,
  checkPair,
  convOutputSize,
  elementCount,
  formatShape,
  type Padding,
  type PaddingOption,
  type Pair,
  resolvePadding,
} from '../shape.ts';
import { biasGradient } from './linear.ts';
import {
  type Attributes,
  apply,
  checkBias,
  checkFloats,
  checkRank,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
  type Spec,
} from './operator.ts';

/** Settings of a 2-D convolution. */
export interface Conv2dOptions {
  /** Step of the window; default 1. */
  stride?: number | Pair;
  /** Zeros around the input; default 0. */
  padding?: PaddingOption;
  /** Distance of the filter's taps; default 1. */
  dilation?: number | Pair;
  /** Parts that the channels are cut into, each convolved alone; default 1. */
  groups?: number;
  /** True convolution (the filter turned by 180°) instead of correlation; default false. */
  flipKernel?: boolean;
}

export interface Conv2dAttributes extends Attributes {
  readonly stride: Pair;
  readonly padding: Padding;
  readonly dilation: Pair;
  readonly groups: number;
  readonly flipKernel: boolean;
}

export interface Conv2dInputGradientAttributes extends Conv2dAttributes {
  readonly inputSize: Pair;
}

export interface Conv2dFilterGradientAttributes extends Conv2dAttributes {
  readonly kernelSize: Pair;
}

const spatial = ['vertical', 'horizontal'] as const;

/** [P, Q] of windows that step over an image of `size` [H, W]. Throws ERR_SHAPE. */
export function outputSize(
  where: string,
  size: Pair,
  kernelSize: Pair,
  a: Pick<Conv2dAttributes, 'stride' | 'padding' | 'dilation'>,
): Pair {
  const sizes = [0, 1].map((axis) =>
    convOutputSize(
      size[axis] as number,
      kernelSize[axis] as number,
      {
        stride: a.stride[axis] as number,
        padding: (a.padding[2 * axis] as number) + (a.padding[2 * axis + 1] as number),
        dilation: a.dilation[axis] as number,
      },
      `${where}, ${spatial[axis]}`,
    ),
  );
  return sizes as [number, number];
}

function checkChannels(
  where: string,
  input: string,
  channels: number,
  weight: Spec,
  groups: number,
): void {
  const [filters = 0, perGroup = 0] = weight.shape;
  if (groups < 1 || filters % groups !== 0 || channels % groups !== 0) {
    throw shapeError(
      where,
      `groups ${groups} must divide both the ${channels} channels of ${input} and the ${filters} filters of weight ${formatShape(weight.shape)}`,
    );
  }
  if (perGroup * groups !== channels) {
    throw shapeError(
      where,
      `${input} has ${channels} channels but weight ${formatShape(weight.shape)} with groups ${groups} needs ${perGroup * groups}`,
    );
  }
}

/** Multiply-adds of a convolution or either gradient: every weight once a sample and place of [P, Q]. */
export function convolutionMultiplyAdds(
  samples: number,
  weight: readonly number[],
  output: readonly number[],
): number {
  return samples * elementCount(weight) * (output[0] as number) * (output[1] as number);
}

function inferConv2d(
  x: Spec,
  weight: Spec,
  bias: Spec | null,
  attributes: Conv2dAttributes,
): readonly Spec[] {
  checkFloats('conv2d', { x, weight, bias });
  checkRank('conv2d', 'x', x, 4);
  checkRank('conv2d', 'weight', weight, 4);
  const [n = 0, c = 0, h = 0, w = 0] = x.shape;
  const [k = 0, , r = 0, s = 0] = weight.shape;
  checkChannels('conv2d', `x ${formatShape(x.shape)}`, c, weight, attributes.groups);
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== k)) {
    throw shapeError(
      'conv2d',
      `bias must have shape (${k}), one value a filter, but has ${formatShape(bias.shape)}`,
    );
  }
  const where = `conv2d of input ${formatShape(x.shape)} with filters ${formatShape(weight.shape)}`;
  const [p, q] = outputSize(where, [h, w], [r, s], attributes);
  return [makeSpec([n, k, p, q], x.dtype, x.batched)];
}

function fits(x: Spec, weight: Spec, attributes: Conv2dAttributes): boolean {
  try {
    inferConv2d(x, weight, null, attributes);
    return true;
  } catch {
    return false;
  }
}

/** x (N,C,H,W), weight (K,C/groups,R,S), bias (K)? → y (N,K,P,Q). */
export const conv2dOperator: Operator<Conv2dAttributes> = {
  name: 'conv2d',
  inputs: ['x', 'weight', 'bias?'],
  outputs: ['y'],
  layout: { inputs: [0], outputs: [0] },
  infer([xSpec, weightSpec, bias], attributes) {
    const [x, weight] = [need(xSpec), need(weightSpec)];
    try {
      return inferConv2d(x, weight, bias ?? null, attributes);
    } catch (error) {
      if (!(error instanceof StridenetError) || fits(x, weight, attributes)) throw error;
      if (!fits(weight, x, attributes)) throw error;
      const hint = 'the other way round they would fit: the order is conv2d(x, weight)';
      throw new StridenetError(error.code, `${error.message}; ${hint}`);
    }
  },
  gradient({ inputs, gradients, attributes, wanted }) {
    const [x, weight, bias] = inputs;
    const dy = need(gradients[0]);
    const [, , h = 0, w = 0] = need(x).shape;
    const [, , r = 0, s = 0] = need(weight).shape;
    return [
      wanted[0]
        ? apply(conv2dInputGradientOperator, [dy, need(weight)], {
            ...attributes,
            inputSize: [h, w],
          })
        : null,
      wanted[1]
        ? apply(conv2dFilterGradientOperator, [need(x), dy], { ...attributes, kernelSize: [r, s] })
        : null,
      bias && wanted[2] ? biasGradient(dy) : null,
    ];
  },
  multiplyAdds([, weight], [y]) {
    const [n = 0, , p = 0, q = 0] = need(y).shape;
    return convolutionMultiplyAdds(n, need(weight).shape, [p, q]);
  },
};

/**
 * dy (N,K,P,Q), weight (K,C/groups,R,S) → dx (N,C,H,W): the adjoint of the convolution in x. For
 * correlation it is the full true convolution of dy with the filters, summed over the filters.
 */
export const conv2dInputGradientOperator: Operator<Conv2dInputGradientAttributes> = {
  name: 'conv2dInputGradient',
  inputs: ['dy', 'weight'],
  outputs: ['dx'],
  layout: { inputs: [0], outputs: [0] },
  infer([dySpec, weightSpec], attributes) {
    const [dy, weight] = [need(dySpec), need(weightSpec)];
    checkFloats('conv2dInputGradient', { dy, weight });
    checkRank('conv2dInputGradient', 'dy', dy, 4);
    checkRank('conv2dInputGradient', 'weight', weight, 4);
    const [n = 0, k = 0, p = 0, q = 0] = dy.shape;
    const [filters = 0, perGroup = 0, r = 0, s = 0] = weight.shape;
    const channels = perGroup * attributes.groups;
    checkChannels('conv2dInputGradient', 'dx', channels, weight, attributes.groups);
    const expected = outputSize('conv2dInputGradient', attributes.inputSize, [r, s], attributes);
    if (k !== filters || p !== expected[0] || q !== expected[1]) {
      throw shapeError(
        'conv2dInputGradient',
        `dy ${formatShape(dy.shape)} is no output of filters ${formatShape(weight.shape)} on an input of ${formatShape(attributes.inputSize)}, which is (${n}, ${filters}, ${expected.join(', ')})`,
      );
    }
    return [makeSpec([n, channels, ...attributes.inputSize], dy.dtype, dy.batched)];
  },
  gradient({ inputs: [dy, weight], gradients, attributes, wanted }) {
    const g = need(gradients[0]);
    const { inputSize, ...rest } = attributes;
    const [, , r = 0, s = 0] = need(weight).shape;
    return [
      wanted[0] ? apply(conv2dOperator, [g, need(weight), null], rest as Conv2dAttributes) : null,
      wanted[1]
        ? apply(conv2dFilterGradientOperator, [g, need(dy)], {
            ...(rest as Conv2dAttributes),
            kernelSize: [r, s],
          })
        : null,
    ];
  },
  multiplyAdds([dy, weight]) {
    const [n = 0, , p = 0, q = 0] = need(dy).shape;
    return convolutionMultiplyAdds(n, need(weight).shape, [p, q]);
  },
};

/**
 * x (N,C,H,W), dy (N,K,P,Q) → dw (K,C/groups,R,S): correlation of input and output gradient,
 * summed over the batch; with flipKernel it comes out doubly flipped.
 */
export const conv2dFilterGradientOperator: Operator<Conv2dFilterGradientAttributes> = {
  name: 'conv2dFilterGradient',
  inputs: ['x', 'dy'],
  outputs: ['dw'],
  layout: { inputs: [0, 1], outputs: [] },
  infer([xSpec, dySpec], attributes) {
    const [x, dy] = [need(xSpec), need(dySpec)];
    checkFloats('conv2dFilterGradient', { x, dy });
    checkRank('conv2dFilterGradient', 'x', x, 4);
    checkRank('conv2dFilterGradient', 'dy', dy, 4);
    const [n = 0, c = 0, h = 0, w = 0] = x.shape;
    const [samples = 0, k = 0, p = 0, q = 0] = dy.shape;
    const { groups, kernelSize } = attributes;
    const weight = makeSpec([k, c / groups, ...kernelSize], x.dtype, false);
    if (c % groups !== 0) {
      throw shapeError(
        'conv2dFilterGradient',
        `groups ${groups} must divide the ${c} input channels`,
      );
    }
    checkChannels('conv2dFilterGradient', `x ${formatShape(x.shape)}`, c, weight, groups);
    const expected = outputSize('conv2dFilterGradient', [h, w], kernelSize, attributes);
    if (samples !== n || p !== expected[0] || q !== expected[1]) {
      throw shapeError(
        'conv2dFilterGradient',
        `dy ${formatShape(dy.shape)} is no output of ${formatShape(kernelSize)} filters on x ${formatShape(x.shape)}, which is (${n}, ${k}, ${expected.join(', ')})`,
      );
    }
    return [weight];
  },
  gradient({ inputs: [x, dy], gradients, attributes, wanted }) {
    const g = need(gradients[0]);
    const { kernelSize, ...rest } = attributes;
    const [, , h = 0, w = 0] = need(x).shape;
    return [
      wanted[0]
        ? apply(conv2dInputGradientOperator, [need(dy), g], {
            ...(rest as Conv2dAttributes),
            inputSize: [h, w],
          })
        : null,
      wanted[1] ? apply(conv2dOperator, [need(x), g, null], rest as Conv2dAttributes) : null,
    ];
  },
  multiplyAdds([, dy], [dw]) {
    const [n = 0, , p = 0, q = 0] = need(dy).shape;
    return convolutionMultiplyAdds(n, need(dw).shape, [p, q]);
  },
};

/** The keys of Conv2dOptions. */
export const conv2dOptionNames = ['stride', 'padding', 'dilation', 'groups', 'flipKernel'] as const;

/** The canonical attributes of a convolution of an input (…,H,W) with filters (…,R,S). */
export function conv2dAttributes(
  where: string,
  options: Conv2dOptions,
  size: Pair,
  kernelSize: Pair,
): Conv2dAttributes {
  checkOptions(where, options, conv2dOptionNames);
  const stride = checkPair(where, 'stride', options.stride ?? 1, 1);
  const dilation = checkPair(where, 'dilation', options.dilation ?? 1, 1);
  const groups = checkInteger(where, 'groups', options.groups ?? 1, 1);
  const flipKernel = options.flipKernel ?? false;
  if (typeof flipKernel !== 'boolean') {
    throw argumentError(where, 'flipKernel to be true or false', flipKernel);
  }
  const padding = resolvePadding(where, options.padding ?? 0, {
    size,
    kernelSize,
    stride,
    dilation,
    flipKernel,
  });
  return { stride, padding, dilation, groups, flipKernel };
}

/**
 * 2-D convolution (correlation, unless `flipKernel`) of a batch of images with a bank of filters:
 * y[n,k,p,q] = bias[k] + Σ x[n, c, p·stride + r·dilation − padding, …] · weight[k,c,r,s].
 *
 * @param x images (N,C,H,W)
 * @param weight filters (K, C/groups, R, S)
 * @param bias one value a filter (K); may be left out or null
 * @returns (N,K,P,Q), P = ⌊(H + padding − dilation·(R−1) − 1)/stride⌋ + 1
 * @throws ERR_SHAPE when channels, groups or sizes do not fit, or the filter is larger than the
 *   padded input; ERR_DTYPE when dtypes mix; ERR_ARGUMENT for an option out of range
 */
export function conv2d<
  X extends Operand,
  W extends Operand,
  B extends Operand | null | undefined = undefined,
>(x: X, weight: W, bias?: B, options: Conv2dOptions = {}): Result<X | W | NonNullable<B>> {
  checkRank('conv2d', 'x', x, 4);
  checkRank('conv2d', 'weight', weight, 4);
  checkBias('conv2d', bias);
  const [, , h = 0, w = 0] = x.shape;
  const [, , r = 0, s = 0] = weight.shape;
  const attributes = conv2dAttributes('conv2d', options, [h, w], [r, s]);
  return apply<X | W | NonNullable<B>, Conv2dAttributes>(
    conv2dOperator,
    [x, weight, bias ?? null],
    attributes,
  );
}
