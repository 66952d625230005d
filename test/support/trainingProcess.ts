// A process, or a worker of one, that trains. argv: what to do, and a number that varies it.
import { setTimeout as wait } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import * as sn from '../../lib/index.ts';

const images = 256;

function network(): sn.Network {
  return sn.models.mnist({ seed: 3, threads: 2 });
}

function digits(): sn.Samples {
  const x = sn.zeros([images, 1, 28, 28], 'uint8');
  const y = sn.zeros([images], 'int32');
  for (let i = 0; i < x.size; i++) x.data[i] = (i * 37) & 255;
  for (let i = 0; i < images; i++) y.data[i] = i % 10;
  return { x, y };
}

function train(epochs: number): Promise<sn.Network> {
  const net = network();
  return net.fit(digits(), { epochs, batchSize: 64 }).then(() => net);
}

/** The bits of what a short training leaves. */
async function trainedBits(): Promise<string> {
  const parameters = (await train(2)).parameters();
  const hash = [...parameters.values()].map(({ data }) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).reduce(
      (sum, byte) => (Math.imul(sum, 31) + byte) >>> 0,
      7,
    ),
  );
  return hash.join(' ');
}

/** The bits of a compiled gradient descent of several calls at once. */
async function descend(steps: number): Promise<string> {
  const x = sn.zeros([64, 32]);
  for (let i = 0; i < x.size; i++) x.data[i] = ((i * 37) % 101) / 101;
  const step = sn.compile((w: sn.Variable) => {
    const loss = (v: sn.Variable) => sn.ops.mean(sn.ops.square(sn.ops.matmul(x, v)));
    return sn.ops.sub(w, sn.grad(loss)(w)[0] as sn.Variable);
  });
  const descents = [1, 2, 3].map(async (start) => {
    let [w, next]: sn.Tensor[] = [sn.full([32, 8], start), sn.zeros([32, 8])];
    for (let i = 0; i < steps; i++) [w, next] = [await step(w, { into: next }), w];
    return w;
  });
  const bits = (await Promise.all(descents)).map(({ data }) => data.join());
  step.dispose();
  return bits.join();
}

async function inWorker(task: string): Promise<void> {
  if (task === 'bits' || task === 'compiled') {
    parentPort?.postMessage(task === 'bits' ? await trainedBits() : await descend(50));
    return;
  }
  if (task === 'calls') {
    const forever = descend(1_000_000);
    parentPort?.postMessage('calling');
    await forever;
  }
  const forever = train(1_000_000);
  parentPort?.postMessage('training');
  await forever;
}

function start(task: string): Worker {
  return new Worker(new URL(import.meta.url), { workerData: task });
}

function answer(worker: Worker): Promise<string> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the worker ended without an answer')));
  });
}

const tasks: Record<string, (vary: number) => Promise<void>> = {
  /** Workers alone load the addon; each is terminated at a time of its own. */
  async terminate(vary) {
    const random = new sn.Generator(vary, 'moments');
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        Array.from({ length: 4 }, async (_, i) => {
          const worker = start('forever');
          // One in four is not waited for: it dies while it loads the addon.
          if (i > 0) await answer(worker);
          await wait(random.integer(51));
          await worker.terminate();
        }),
      );
    }
  },
  /** The same seed gives the same bits in every worker and here. */
  async bits() {
    const workers = await Promise.all(Array.from({ length: 3 }, () => answer(start('bits'))));
    const all = new Set([...workers, await trainedBits()]);
    if (all.size !== 1) throw new Error(`${all.size} different results`);
  },
  /** Compiled functions give the same bits in every worker and here; one dies with calls pending. */
  async compiled() {
    const dying = start('calls');
    await answer(dying);
    const workers = await Promise.all(Array.from({ length: 3 }, () => answer(start('compiled'))));
    await dying.terminate();
    const all = new Set([...workers, await descend(50)]);
    if (all.size !== 1) throw new Error(`${all.size} different results`);
  },
  /** The process ends while workers and this thread train. */
  async exit(vary) {
    const workers = [start('forever'), start('forever')];
    void train(1_000_000);
    await Promise.all(workers.map(answer));
    await wait(vary);
    process.exit(7);
  },
  async throw(vary) {
    void train(1_000_000);
    await wait(vary);
    throw new Error('thrown on purpose');
  },
  /** Waits to be killed by a signal. */
  async train() {
    const forever = train(1_000_000);
    process.stdout.write('training\n');
    await forever;
  },
  /** Nobody waits for the training: the process lives until it is done. */
  async natural() {
    void train(3).then(() => process.stdout.write('trained\n'));
  },
};

if (isMainThread) {
  await (tasks[process.argv[2] ?? ''] as (vary: number) => Promise<void>)(Number(process.argv[3]));
  process.stdout.write('end\n');
} else {
  await inWorker(workerData as string);
}
