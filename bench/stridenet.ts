// stridenet's own side of every comparison: a process that answers as those of bench/peers do.
// bench/worker.ts bundles it, so that it starts and weighs as an installed package does.
import { loadAddon } from '../lib/backends/addon.ts';
import * as sn from '../lib/index.ts';
import { images, subjectOf } from './networks.ts';
import { operatorProgram, randomTensor } from './operatorProgram.ts';
import {
  argument,
  type Measure,
  type Prepared,
  repeated,
  serve,
  threads,
  Unsupported,
} from './peers/serve.mjs';
import { type ConvTask, type GemmTask, type NetworkTask, outputSize, type Task } from './tasks.ts';

/** Whether this is stridenet with `winograd: true`. */
const winograd = argument('winograd', 'false') === 'true';

async function ofOperator(call: Parameters<typeof operatorProgram>[0]): Promise<Prepared> {
  const program = operatorProgram(call, threads);
  const measure = await repeated((steps) => program.run({ steps, feeds: [] }));
  return { measure, release: () => program.dispose() };
}

function prepareGemm({ m, n, k, dtype }: GemmTask): Promise<Prepared> {
  if (winograd) throw new Unsupported('no convolution');
  const inputs = [
    [m, k],
    [k, n],
  ];
  const attributes = { transposeA: false, transposeB: false };
  return ofOperator({ operator: 'matmul', inputs, attributes, dtype });
}

function prepareConv(task: ConvTask): Promise<Prepared> {
  const { input, filters, kernelSize, stride, padding, groups } = task;
  const [n, c, ...inputSize] = input;
  const [top, left] = padding;
  const attributes = {
    ...{ stride, padding: [top, top, left, left], dilation: [1, 1], groups, flipKernel: false },
    ...(winograd ? { winograd } : {}),
  };
  const weight = [filters, c / groups, ...kernelSize];
  const y = [n, filters, ...outputSize(task)];
  if (task.part === 'forward') {
    return ofOperator({ operator: 'conv2d', inputs: [input, weight], attributes });
  }
  if (task.part === 'inputGradient') {
    const own = { ...attributes, inputSize };
    return ofOperator({ operator: 'conv2dInputGradient', inputs: [y, weight], attributes: own });
  }
  if (winograd) throw new Unsupported('filter gradients are not computed so');
  const own = { ...attributes, kernelSize };
  return ofOperator({ operator: 'conv2dFilterGradient', inputs: [input, y], attributes: own });
}

const enough = new Error('enough');

/** Seconds of a step in each epoch, as a user's `fit` runs them; without the first. */
async function fitSteps(
  net: sn.Network,
  data: sn.Samples,
  { batch, optimizer, seconds, least }: FitPace,
): Promise<number[]> {
  const steps = ((data.x as sn.Tensor).shape[0] as number) / batch;
  const times: number[] = [];
  let before = 0;
  let end = Number.POSITIVE_INFINITY;
  const onEpoch = (): void => {
    const now = performance.now();
    if (before === 0) end = now + 1000 * seconds;
    else times.push((now - before) / 1000 / steps);
    before = now;
    if (times.length >= least && now > end) throw enough;
  };
  await net
    .fit(data, { epochs: 1_000_000, batchSize: batch, optimizer, callbacks: { onEpoch } })
    .catch((error) => {
      if (error !== enough) throw error;
    });
  return times;
}

interface FitPace {
  readonly batch: number;
  readonly optimizer: sn.Optimizer;
  readonly seconds: number;
  readonly least: number;
}

function countParameters(net: sn.Network): number {
  return net.architecture.parameters
    .filter(({ state }) => state !== true)
    .reduce((sum, { shape }) => sum + shape.reduce((all, each) => all * each, 1), 0);
}

/** Epochs of about 0.1 s, as far as 60 steps and 16,384 samples go. */
async function prepareTraining({ network, batch, size }: NetworkTask): Promise<Prepared> {
  const subject = subjectOf(network, size);
  const net = subject.build({ threads, seed: 1, winograd });
  const own = { batch, optimizer: subject.optimizer() };
  const pace = { ...own, seconds: 0, least: 3 };
  const once = Math.min(...(await fitSteps(net, images(batch, subject), pace)));
  const most = Math.min(60, Math.floor(16_384 / batch));
  const steps = Math.max(1, Math.min(most, Math.round(0.1 / once)));
  const data = images(steps * batch, subject);
  const measure: Measure = (seconds, least) => fitSteps(net, data, { ...own, seconds, least });
  return { measure, parameters: countParameters(net), memory: () => ({ held: heldBytes }) };
}

async function prepareInference({ network, batch, size }: NetworkTask): Promise<Prepared> {
  const subject = subjectOf(network, size);
  const net = subject.build({ threads, seed: 1, winograd });
  const x = randomTensor([batch, ...subject.inputShape], 1);
  const measure = await repeated(async (count) => {
    for (let i = 0; i < count; i++) await net.predict(x);
  });
  return { measure, parameters: countParameters(net) };
}

sn.setThreads(threads);
let heldBytes = 0;
setInterval(() => {
  heldBytes = Math.max(heldBytes, loadAddon().addon.memory().bytes);
}, 20).unref();
const { version } = (await import('../package.json', { with: { type: 'json' } })).default;
await serve({ library: 'stridenet', version, note: sn.cpuInfo().isa ?? 'reference' }, (given) => {
  const task = given as Task;
  if (task.kind === 'gemm') return prepareGemm(task);
  if (task.kind === 'conv') return prepareConv(task);
  return task.kind === 'train' ? prepareTraining(task) : prepareInference(task);
});
