import * as sn from '../../index.ts';
import { version } from '../../version.ts';
import { describeModel } from '../model.ts';
import { count, note, print } from '../process.ts';
import { type Command, describeMachine, endingWith, shownModel, table } from './common.ts';

/** Batches of an epoch, and the bytes of their samples, at most. */
const [mostBatches, mostBytes] = [64, 2 ** 25];

interface Rates {
  readonly batchSize: number;
  /** Samples a second. */
  readonly predict: number;
  readonly train: number;
}

async function predictRate(
  net: sn.Network,
  x: sn.Tensor,
  seconds: number,
  signal: AbortSignal,
): Promise<number> {
  await net.predict(x, { signal });
  let batches = 0;
  const start = performance.now();
  let passed = 0;
  while (passed < 1000 * seconds) {
    await net.predict(x, { signal });
    batches += 1;
    passed = performance.now() - start;
  }
  return (1000 * batches * (x.shape[0] as number)) / passed;
}

/** Random bytes, drawn once for every 2^16 of them. */
function randomBytes(length: number): Uint8Array {
  const random = new sn.Generator(1, 'bench');
  const some = Uint8Array.from({ length: 2 ** 16 }, () => random.integer(256));
  const all = new Uint8Array(length);
  for (let at = 0; at < length; at += some.length) all.set(some.subarray(0, length - at), at);
  return all;
}

/** Labels that the output of the network fits: class numbers, or targets. */
function labelsFor({ architecture }: sn.Network, samples: number): [sn.Tensor, sn.Loss] {
  const { outputShape, dtype } = architecture;
  const [classes = 1] = outputShape;
  if (outputShape.length !== 1 || classes === 1) {
    return [sn.zeros([samples, ...outputShape], dtype), sn.losses.squaredError()];
  }
  const numbers = Int32Array.from({ length: samples }, (_, i) => i % classes);
  return [sn.tensor(numbers, [samples], 'int32'), sn.losses.softmaxCrossEntropy()];
}

async function trainRate(
  net: sn.Network,
  x: sn.Tensor,
  batchSize: number,
  seconds: number,
  signal: AbortSignal,
): Promise<number> {
  const samples = x.shape[0] as number;
  const [y, loss] = labelsFor(net, samples);
  const timer = new AbortController();
  let [epochs, passed] = [0, 0];
  const onEpoch = ({ epoch, seconds: took }: sn.EpochEvent): void => {
    // The first one meets memory that nobody has touched.
    if (epoch === 1) return;
    epochs += 1;
    passed += took;
    if (passed > seconds) timer.abort();
  };
  const options = { optimizer: sn.optimizers.sgd({ learningRate: 1e-9 }), loss, batchSize };
  const stop = AbortSignal.any([timer.signal, signal]);
  const run = { epochs: 1e9, signal: stop, callbacks: { onEpoch } };
  await net.fit({ x, y }, { ...options, ...run }).catch((error: unknown) => {
    if (!timer.signal.aborted || signal.aborted) throw error;
  });
  return (epochs * samples) / passed;
}

async function measure(
  net: sn.Network,
  batchSize: number,
  seconds: number,
  signal: AbortSignal,
): Promise<Rates> {
  const { inputShape } = net.architecture;
  const bytes = inputShape.reduce((product, size) => product * size, batchSize);
  const batches = Math.max(1, Math.min(mostBatches, Math.floor(mostBytes / bytes)));
  const pixels = randomBytes(batches * bytes);
  const x = sn.tensor(pixels, [batches * batchSize, ...inputShape]);
  const one = sn.tensor(pixels.slice(0, bytes), [batchSize, ...inputShape]);
  return {
    batchSize,
    predict: await predictRate(net, one, seconds, signal),
    train: await trainRate(net, x, batchSize, seconds, signal),
  };
}

/** `stridenet bench`: samples a second of a network in prediction and training. */
export const bench: Command = (settings, { interrupted }) => {
  const signal = interrupted();
  return endingWith(signal, async () => {
    const { batchSizes = [1, 32, 256], seconds = 1, json } = settings;
    const net = await shownModel(settings);
    if (!json) {
      print(describeMachine(settings, version));
      print(`model: ${describeModel(settings, net)}`);
    }
    const rates: Rates[] = [];
    for (const batchSize of batchSizes) {
      note(`batches of ${count(batchSize)} …`);
      rates.push(await measure(net, batchSize, seconds, signal));
    }
    if (json) {
      print(JSON.stringify(rates, null, 2));
      return;
    }
    const rows = rates.map(({ batchSize, predict, train }) => [
      count(batchSize),
      ...[predict, train].map((rate) => count(Number(rate.toPrecision(4)))),
    ]);
    print(table([['batch', 'predict, samples/s', 'train, samples/s'], ...rows], [0, 1, 2]));
  });
};
