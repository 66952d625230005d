import type { Samples } from '../data/samples.ts';
import { copyOf, isStreamed, type StreamedData, type TrainingData } from '../data/trainingData.ts';
import { argumentError, checkOptions } from '../errors.ts';
import type { Callbacks, History, TrainEvent } from './events.ts';
import { beginWith, events, stoppingOf } from './loop.ts';
import {
  checkTraining,
  type FitOptions,
  type Settings,
  type TrainOptions,
  trainOptions,
} from './options.ts';
import type { Progress } from './progress.ts';
import type { TrainingHost } from './trainingHost.ts';

/** Milliseconds that one call into the backend takes at most, and so the pace of step events. */
const chunkMilliseconds = 50;

/** `beginWith`, which copies what is in memory first where it waits for the first of other samples. */
function begin(
  host: TrainingHost,
  data: Samples | StreamedData,
  settings: Settings,
): ReturnType<typeof beginWith> {
  const { validationData: validation } = settings;
  const waits = isStreamed(data) || (validation !== null && isStreamed(validation));
  if (!waits) return beginWith(host, data, settings);
  return beginWith(host, copyOf(data), { ...settings, validationData: copyOf(validation) });
}

/** See Network.train. */
export function train(
  host: TrainingHost,
  data: TrainingData,
  options: TrainOptions,
): AsyncGenerator<TrainEvent, void, void> {
  const { data: given, settings } = checkTraining(data, options, trainOptions);
  const own = { ...settings, validationData: copyOf(settings.validationData) };
  const copy = copyOf(given);
  const pace = { maxSteps: 1, budget: Number.POSITIVE_INFINITY, everyStep: true };
  return (async function* () {
    for await (const batch of events(await beginWith(host, copy, own), pace)) {
      for (const event of batch) {
        if (event.type === 'step' || event.type === 'epoch') yield event;
      }
    }
  })();
}

const callbackNames = ['onStart', 'onStep', 'onEpoch', 'onCheckpoint', 'onEnd'] as const;

function checkCallbacks(callbacks: Callbacks): Callbacks {
  checkOptions('fit, callbacks', callbacks, callbackNames);
  for (const callback of callbackNames.map((name) => callbacks[name])) {
    if (callback === undefined || typeof callback === 'function') continue;
    throw argumentError('fit', 'callbacks to be functions', callback);
  }
  return callbacks;
}

/** See Network.fit. */
export async function fit(
  host: TrainingHost,
  data: TrainingData,
  options: FitOptions,
): Promise<History> {
  const known = [...trainOptions, 'callbacks', 'verbose'];
  const { data: given, settings } = checkTraining(data, options, known);
  const { verbose = false } = options;
  const callbacks = checkCallbacks(options.callbacks ?? {});
  if (![true, false, 'bar', 'plain'].includes(verbose)) {
    throw argumentError('fit', "verbose to be true, false, 'bar' or 'plain'", verbose);
  }
  const begun = begin(host, given, settings);
  const run = begun instanceof Promise ? await begun : begun;
  const everyStep = callbacks.onStep !== undefined;
  const pace = { maxSteps: Number.MAX_SAFE_INTEGER, budget: chunkMilliseconds, everyStep };
  // One that never settles holds training until its signal fires.
  const settled = (answer: void | Promise<void>): void | Promise<void> =>
    answer === undefined ? undefined : run.stop.until(answer);
  let progress: Progress | null = null;
  try {
    for await (const batch of events(run, pace)) {
      if (verbose !== false) {
        progress ??= await (await import('./progress.ts')).createProgress(verbose);
      }
      for (const event of batch) {
        if (event.type === 'start') {
          progress?.onStart(event);
          await settled(callbacks.onStart?.(event));
          continue;
        }
        if (event.type === 'step') {
          if (event === batch.at(-1)) await progress?.onStep(event);
          // A function that gives no promise costs no turn of the microtask queue.
          const answer = callbacks.onStep?.(event);
          if (answer !== undefined) await settled(answer);
          continue;
        }
        if (event.type === 'checkpoint') {
          await settled(callbacks.onCheckpoint?.(event));
          continue;
        }
        await progress?.onEpoch(event);
        await settled(callbacks.onEpoch?.(event));
      }
    }
  } finally {
    progress?.stop();
  }
  const history = { epochs: run.history.epochs, ...stoppingOf(run) };
  run.stop.check();
  await settled(callbacks.onEnd?.(history));
  run.stop.check();
  return history;
}
