import type { Graph, Tracer } from '../../lib/graph/graph.ts';
import * as sn from '../../lib/index.ts';
import { ResidentBatches } from '../../lib/train/resident.ts';
import { learnedParameters, type StepOptions, traceStep } from '../../lib/train/step.ts';

/**
 * A step of SGD with momentum on 4 images (3, 8, 8) of 7 classes, as `fit` traces it.
 *
 * @param layers of a network for such images, with logits for an output
 */
export function tracedStep(
  layers: sn.Layer[],
  options: Partial<Omit<StepOptions, 'architecture' | 'batches' | 'loss'>> = {},
): Graph {
  const { clipNorm = null, clipValue = null, frozen = [] } = options;
  const { architecture } = sn.sequential({ inputShape: [3, 8, 8], layers });
  const data = { x: sn.zeros([4, 3, 8, 8]), y: sn.tensor([0, 1, 2, 3], [4], 'int32') };
  const settings = {
    ...{ architecture, seed: 0 },
    batches: new ResidentBatches(architecture, data as sn.Samples, { batchSize: 4, seed: 0 }),
    ...{ optimizer: sn.optimizers.sgd({ learningRate: 0.1, momentum: 0.9 }), frozen },
    ...{ loss: sn.losses.softmaxCrossEntropy() },
    ...options,
    ...{ clipNorm, clipValue },
  };
  const { tracer, outputs, updates } = traceStep(settings, learnedParameters(settings));
  return tracer.graph(outputs as Parameters<Tracer['graph']>[0], updates);
}
