import { checkBoolean, checkOptions, shapeError } from '../errors.ts';
import { ones, zeros } from '../initializers/plain.ts';
import {
  batchNormTraining,
  checkEpsilon,
  checkMomentum,
  batchNorm as normalize,
} from '../ops/batchNorm.ts';
import type { Operand } from '../ops/operator.ts';
import { formatShape } from '../shape.ts';
import { type Layer, makeLayer } from './layer.ts';
import { affineParameters, type NormLayerOptions, normOptionNames } from './norm.ts';

/** Settings of batch normalization. */
export interface BatchNormLayerOptions extends NormLayerOptions {
  /** What a step's statistics weigh in the running ones, within [0, 1]; default 0.1. */
  momentum?: number;
}

/**
 * Batch normalization of each channel of (C), (C,L) or (C,H,W) (Ioffe and Szegedy 2015): in training
 * by the batch's own mean and variance, else by the running ones, as also where either of these is
 * frozen. A step with one value a channel (a batch, perhaps the last, of one sample (C)) gives the
 * offset, and leaves the running variance as it is; PyTorch refuses it. Parameters: weight (C),
 * bias (C); states: running_mean (C), running_var (C).
 * @throws ERR_ARGUMENT for an option out of range
 */
export function batchNorm(options: BatchNormLayerOptions = {}): Layer {
  checkOptions('batchNorm', options, ['momentum', ...normOptionNames]);
  const epsilon = checkEpsilon('batchNorm', options.epsilon);
  const momentum = checkMomentum('batchNorm', options.momentum);
  checkBoolean('batchNorm', 'affine', options.affine ?? true);
  return makeLayer({
    kind: 'batchNorm',
    options,
    parameters(input) {
      if (input.length < 1 || input.length > 3) {
        throw shapeError(
          'batchNorm',
          `(C), (C,L) or (C,H,W) is needed but the input is ${formatShape(input)}`,
        );
      }
      const shape = [input[0] as number];
      const fan = { fanIn: 1, fanOut: 1 };
      return [
        ...affineParameters(shape, options.affine),
        { name: 'running_mean', shape, fan, initializer: zeros(), state: true },
        { name: 'running_var', shape, fan, initializer: ones(), state: true },
      ];
    },
    forward(x, { weight = null, bias = null, running_mean, running_var }, context) {
      const [mean, variance] = [running_mean as Operand, running_var as Operand];
      const held = context.holds('running_mean') || context.holds('running_var');
      if (!context.training || held) return normalize(x, mean, variance, weight, bias, { epsilon });
      const settings = { epsilon, momentum };
      const step = batchNormTraining(x, mean, variance, weight, bias, settings);
      context.update('running_mean', step.runningMean as Operand);
      context.update('running_var', step.runningVariance as Operand);
      return step.y;
    },
  });
}
