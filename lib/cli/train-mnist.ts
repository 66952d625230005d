import * as sn from '../index.ts';
import { arrange, drawImage } from './draw.ts';
import { readOptions, type TrainOptions, usage } from './options.ts';
import {
  abortOnInterrupt,
  count,
  endOnBrokenPipe,
  exitCodes,
  percent,
  print,
  UsageError,
} from './process.ts';
import { prepareSave } from './save.ts';

function describeMachine({ backend, threads }: TrainOptions): string {
  const cpu = sn.cpuInfo();
  if (backend === 'reference') return 'stridenet, reference backend: plain loops on one thread';
  const used = Math.min(threads ?? cpu.threads, cpu.threads);
  const asked = threads !== undefined && threads > used ? ` (${threads} asked for)` : '';
  const unit = used === 1 ? 'thread' : 'threads';
  return `stridenet, native backend: ${cpu.isa} on ${used} ${unit}${asked}`;
}

/** Says that training was interrupted, and keeps what it gave; `steps` and `epochs` are whole ones. */
async function keepInterrupted(
  net: sn.Network,
  save: string | null,
  { steps, epochs }: { steps: number; epochs: number },
): Promise<void> {
  const done = `interrupted after step ${count(steps)}, ${count(epochs)} whole ${epochs === 1 ? 'epoch' : 'epochs'}`;
  if (save === null || steps === 0) {
    process.stderr.write(`${done}: no model was saved\n`);
    return;
  }
  await net.save(save);
  process.stderr.write(`${done}: saved ${save}\n`);
}

/** Four test digits at random, drawn, each with its label and what the network takes it for. */
async function drawGuesses(net: sn.Network, test: sn.Samples, seed: number): Promise<string> {
  const random = new sn.Generator(seed, 'digits to draw');
  const indices = Array.from({ length: 4 }, () => random.integer(test.x.shape[0] as number));
  const { x, y } = sn.data.select(test, indices);
  const probabilities = (await net.predict(x)).data;
  const [, , height, width] = x.shape as [number, number, number, number];
  const size = height * width;
  const pictures = indices.map((_, i) => {
    const row = probabilities.subarray(i * 10, (i + 1) * 10);
    const guess = row.indexOf(Math.max(...row));
    return {
      lines: drawImage(x.data.subarray(i * size, (i + 1) * size), height, width),
      caption: `label ${y.data[i]}, guess ${guess} (${percent(row[guess] as number)})`,
    };
  });
  return arrange(pictures, process.stdout.columns ?? 80);
}

/** The first `images` of a data set, or all of it. */
function first(data: sn.Samples, images: number): sn.Samples {
  return images < (data.x.shape[0] as number) ? sn.data.slice(data, 0, images) : data;
}

/** How many images to test with: loops in TypeScript would take longer to test than to train. */
function testImages(backend: TrainOptions['backend'], images: number, available: number): number {
  if (backend === 'native') return available;
  return Math.min(available, 10_000, Math.max(100, Math.ceil(images / 2)));
}

async function train(options: TrainOptions, signal: AbortSignal): Promise<number> {
  const { seed, ties, backend, threads, epochs, batchSize, learningRate } = options;
  const mnist = await sn.data.mnist(options.data === undefined ? {} : { path: options.data });
  const available = mnist.train.x.shape[0] as number;
  const images = Math.min(options.images ?? available, available);
  const training = first(mnist.train, images);
  const testAvailable = mnist.test.x.shape[0] as number;
  const tested = testImages(backend, images, testAvailable);
  const test = first(mnist.test, tested);

  const net = sn.models.mnist({
    seed,
    ties,
    backend,
    ...(threads === undefined ? {} : { threads }),
  });
  if (options.save !== null) await prepareSave(options.save);
  print(describeMachine(options));
  const share =
    tested < testAvailable ? `${count(tested)} of ${count(testAvailable)}` : count(tested);
  print(`MNIST: ${count(images)} images to train on, ${share} to test with`);
  print(`\n${net.summary()}\n`);

  const done = { steps: 0, epochs: 0 };
  try {
    const start = performance.now();
    await net.fit(training, {
      epochs,
      batchSize,
      optimizer: sn.optimizers.adam(learningRate),
      loss: sn.losses.softmaxCrossEntropy(),
      seed,
      signal,
      verbose: true,
      callbacks: {
        onStep: ({ step }) => {
          done.steps = step;
        },
        onEpoch: ({ epoch }) => {
          done.epochs = epoch;
        },
      },
    });
    const seconds = (performance.now() - start) / 1000;
    print(`\ntrained in ${seconds.toFixed(1)} s`);
    const { accuracy } = await net.evaluate(test);
    signal.throwIfAborted();
    print(`test accuracy ${percent(accuracy as number)}\n`);
  } catch (error) {
    if (!signal.aborted) throw error;
    await keepInterrupted(net, options.save, done);
    return exitCodes.interrupted;
  }
  print(await drawGuesses(net, test, seed));
  if (options.save === null) return exitCodes.done;
  await net.save(options.save);
  print(`\nsaved ${options.save}`);
  return exitCodes.done;
}

async function main(args: readonly string[]): Promise<number> {
  let options: TrainOptions | 'help';
  try {
    options = readOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}; see npm start -- --help\n`);
    return exitCodes.usage;
  }
  if (options === 'help') {
    process.stdout.write(usage);
    return exitCodes.done;
  }
  const signal = abortOnInterrupt();
  try {
    return await train(options, signal);
  } catch (error) {
    const known =
      error instanceof sn.StridenetError || (error instanceof Error && 'syscall' in error);
    if (!known) throw error;
    process.stderr.write(`${error.message}\n`);
    return exitCodes.failed;
  }
}

endOnBrokenPipe();
process.exitCode = await main(process.argv.slice(2));
