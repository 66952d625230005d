import { multiplyAdds } from '../lib/graph/cost.ts';
import type { Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import { ResidentBatches } from '../lib/train/resident.ts';
import { learnedParameters, traceStep } from '../lib/train/step.ts';
import { images, type Subject, subjectOf } from './networks.ts';
import { convWork, gemmWork, type NetworkTask, type Task, type Work } from './tasks.ts';

/** What `fit` with its defaults traces for a batch of that network. */
export function trainingStep(net: sn.Network, subject: Subject, batch: number) {
  const { architecture } = net;
  const data = images(batch, subject);
  return {
    architecture,
    data,
    batches: new ResidentBatches(architecture, data, { batchSize: batch, seed: null }),
    optimizer: subject.optimizer(),
    loss: sn.losses.softmaxCrossEntropy(),
    seed: 0,
    frozen: [],
    clipValue: null,
    clipNorm: null,
  } as const;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * A network's multiply-adds, and the bytes that no order of computing saves: images, and of each
 * parameter reading it, in training also writing it and reading and writing what the optimizer keeps
 * of it. What lies between layers may stay in a cache and is not counted.
 */
function networkWork({ kind, network, batch, size }: NetworkTask): Work {
  const subject = subjectOf(network, size);
  const net = subject.build({ seed: 1 });
  const learned = net.architecture.parameters.filter(({ state }) => state !== true);
  const parameters = learned.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const image = sizeOf(subject.inputShape);
  const own = { dtype: 'float32', parameters } as const;
  if (kind === 'infer') {
    const adds = net.architecture.layers.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
    const flops = 2 * batch * adds;
    return { flops, bytes: 4 * (parameters + batch * image), ...own };
  }
  const step = trainingStep(net, subject, batch);
  const { tracer, outputs, updates } = traceStep(step, learnedParameters(step));
  const graph = tracer.graph(outputs as Parameters<Tracer['graph']>[0], updates);
  const values = 2 + 2 * step.optimizer.slots.length;
  const bytes = 4 * values * parameters + batch * image;
  return { flops: 2 * multiplyAdds(graph.nodes), bytes, ...own };
}

/** What a task takes at least. */
export function workOf(task: Task): Work {
  if (task.kind === 'gemm') return gemmWork(task);
  return task.kind === 'conv' ? convWork(task) : networkWork(task);
}
