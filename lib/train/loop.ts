import type { Samples } from '../data/samples.ts';
import type { StreamedData } from '../data/trainingData.ts';
import { argumentError } from '../errors.ts';
import { ScheduleRun } from '../schedules/run.ts';
import type { RunCheckpoints } from './checkpoint/run.ts';
import { type Length, lengthOf, momentAt } from './clock.ts';
import { EarlyStopping } from './earlyStopping.ts';
import { Evaluator } from './evaluator.ts';
import type {
  CheckpointEvent,
  EpochEvent,
  History,
  StartEvent,
  StepEvent,
  TrainEvent,
} from './events.ts';
import { HistoryLog } from './historyLog.ts';
import { outputOf } from './inputs.ts';
import { measuresOf, possibleMeasures } from './measures.ts';
import { checkMetricsFit, numericNames } from './metricSet.ts';
import type { Settings } from './options.ts';
import { Running } from './running.ts';
import { closeSources, type FitSources, sourcesOf } from './sources.ts';
import { Stop } from './stop.ts';
import { type Cursor, Trainer } from './trainer.ts';
import type { TrainingHost } from './trainingHost.ts';

/** A training run that has its network and its copy of the data. */
export interface Run {
  readonly host: TrainingHost;
  readonly settings: Settings;
  readonly sources: FitSources;
  readonly trainer: Trainer;
  readonly evaluator: Evaluator | null;
  readonly schedule: ScheduleRun | null;
  readonly stopping: EarlyStopping | null;
  readonly length: Length;
  readonly running: Running;
  readonly history: HistoryLog;
  readonly stop: Stop;
}

/** Takes the network and copies the data; throws before anything is touched. */
function begin(host: TrainingHost, sources: FitSources, settings: Settings, stop: Stop): Run {
  const { loss, metrics } = settings;
  const { training: batches, validation } = sources;
  const { architecture, settings: how } = host;
  checkMetricsFit('fit', metrics, outputOf(architecture), batches.targets);
  const evaluator =
    validation &&
    new Evaluator('fit, validationData', architecture, validation, loss, how, metrics);
  try {
    const length = lengthOf(settings, batches.stepsPerEpoch);
    const schedule = settings.schedule && new ScheduleRun(settings.schedule);
    const stopping = settings.earlyStopping && new EarlyStopping(settings.earlyStopping);
    const factorAt = (cursor: Cursor): number => schedule?.factor(momentAt(cursor, length)) ?? 1;
    const judged = metrics.length > 0;
    const options = { ...settings, architecture, batches, settings: how, factorAt, judged };
    const trainer = host.begin(loss, (values) => {
      const made = new Trainer(options, values);
      try {
        const kinds = { classifier: made.classifier, validated: evaluator !== null };
        const measures = possibleMeasures(kinds, numericNames(metrics));
        schedule?.check(measures);
        stopping?.check(measures);
      } catch (error) {
        made.dispose();
        throw error;
      }
      return made;
    });
    const [running, history] = [new Running(settings.metrics), new HistoryLog()];
    const own = { host, settings, sources, running, history };
    return { ...own, trainer, evaluator, schedule, stopping, length, stop };
  } catch (error) {
    evaluator?.dispose();
    throw error;
  }
}

/**
 * Begins a run: takes the network and, where they are in memory, copies the samples before anything
 * is waited for. Throws before anything is touched.
 */
export function beginWith(
  host: TrainingHost,
  data: Samples | StreamedData,
  settings: Settings,
): Run | Promise<Run> {
  const stop = new Stop('fit', settings.signal, host.disposal);
  const start = (sources: FitSources): Run => {
    try {
      stop.check();
      return begin(host, sources, settings, stop);
    } catch (error) {
      void closeSources(sources.training, sources.validation);
      throw error;
    }
  };
  stop.check();
  const sources = sourcesOf(host.architecture, data, settings, stop);
  return sources instanceof Promise ? sources.then(start) : start(sources);
}

/** How many steps one call of the backend takes, and whether each is told or only the last. */
export interface Pace {
  readonly maxSteps: number;
  readonly budget: number;
  readonly everyStep: boolean;
}

/** What a run tells: how it begins, its steps and epochs, and what it wrote. */
export type LoopEvent = StartEvent | TrainEvent | CheckpointEvent;

/** Whether there is another step after those that are done. */
export function goesOn({ settings, trainer }: Run): boolean {
  return trainer.cursor.step < (settings.steps ?? Number.POSITIVE_INFINITY);
}

/** Makes a run go on from a checkpoint and write its own, where it is to; null where not. */
async function checkpointsOf(run: Run): Promise<RunCheckpoints | null> {
  const { checkpoint, resume } = run.settings;
  if (checkpoint === null && resume === null) return null;
  const { runCheckpoints } = await import('./checkpoint/run.ts');
  return runCheckpoints(run, checkpoint, resume);
}

/** Whether an epoch is to be trained, or the one under way to be ended. */
function isToCome(run: Run, epoch: number): boolean {
  if (run.stopping?.stops) return false;
  const { epochs } = run.settings;
  return epochs === null ? goesOn(run) || run.running.steps > 0 : epoch <= epochs;
}

/** Whether another epoch follows, unless early stopping ends training. */
function isFollowed(run: Run, epoch: number): boolean {
  const { epochs } = run.settings;
  return epochs === null ? goesOn(run) : epoch < epochs;
}

/** The events of a run, in batches of those that one call of the backend gave. */
export async function* events(run: Run, pace: Pace): AsyncGenerator<LoopEvent[], void, void> {
  const { host, sources, trainer, evaluator, stop } = run;
  let checkpoints: RunCheckpoints | null = null;
  const unlisten = stop.listen(() => {
    trainer.cancel();
    evaluator?.cancel();
    checkpoints?.interrupt();
    // Whoever waits for a sample hears of the end at once.
    void closeSources(sources.training, sources.validation);
  });
  let failed = false;
  try {
    checkpoints = await checkpointsOf(run);
    yield [startEvent(run)];
    for (let epoch = Math.max(1, trainer.cursor.epoch); isToCome(run, epoch); epoch++) {
      yield* epochEvents(run, pace, epoch, checkpoints);
    }
    stop.check();
    if (checkpoints !== null) yield await checkpoints.finish();
    stop.check();
    const best = run.stopping?.best;
    if (best) host.replace(best);
  } catch (error) {
    failed = !stop.stopped;
    throw error;
  } finally {
    unlisten();
    try {
      await checkpoints?.end(failed);
    } finally {
      host.end(trainer);
      evaluator?.dispose();
      // A source that hangs must not hold up the end of a run that was stopped.
      if (!stop.stopped) await closeSources(sources.training, sources.validation);
    }
  }
}

/** The length of a run as its events have it, the last epoch perhaps in part. */
function totals({ length }: Run): { epochs: number | null; steps: number | null } {
  const { epochs, steps } = length;
  return { epochs: epochs === null ? null : Math.ceil(epochs), steps };
}

function startEvent(run: Run): StartEvent {
  const { stepsPerEpoch } = run.length;
  const { samplesPerEpoch } = run.trainer.batches;
  const { epoch, step } = run.trainer.cursor;
  const place = { epoch: Math.max(1, epoch), step };
  return { type: 'start', ...place, ...totals(run), stepsPerEpoch, samplesPerEpoch };
}

function stepEvent(run: Run, epoch: number, step: number): StepEvent {
  const { running } = run;
  const { samples, steps, seconds, learningRate, imagesPerSecond } = running;
  const means = running.means(run.trainer.classifier);
  const { samplesPerEpoch } = run.trainer.batches;
  const total = totals(run);
  const left = total.steps === null ? Number.NaN : total.steps - step;
  const secondsLeft = left === 0 ? 0 : seconds === 0 ? Number.NaN : (left * seconds) / steps;
  return {
    ...{ type: 'step', epoch, step, ...total, samples, samplesPerEpoch },
    ...{ ...means, metrics: { ...means, ...running.metrics.numbers() } },
    ...{ learningRate, imagesPerSecond },
    secondsLeft: Number.isNaN(secondsLeft) ? null : secondsLeft,
  };
}

async function* epochEvents(
  run: Run,
  { maxSteps, budget, everyStep }: Pace,
  epoch: number,
  checkpoints: RunCheckpoints | null,
): AsyncGenerator<LoopEvent[], void, void> {
  const { host, trainer, evaluator, running, stop } = run;
  const { steps: limit } = run.settings;
  if (trainer.cursor.epoch !== epoch) await trainer.beginEpoch(epoch);
  while (goesOn(run)) {
    stop.check();
    const start = performance.now();
    const before = trainer.cursor.step;
    const most = Math.min(
      maxSteps,
      limit === null ? maxSteps : limit - before,
      checkpoints?.stepsUntilDue() ?? maxSteps,
    );
    const batches = await trainer.next(most, budget);
    if (batches === null) break;
    stop.check();
    const results = await host.running(() => trainer.advance(batches, budget));
    const share = (performance.now() - start) / 1000 / Math.max(1, results.length);
    const told: StepEvent[] = [];
    results.forEach((result, i) => {
      running.add(result);
      running.seconds += share;
      if (!everyStep && i < results.length - 1) return;
      told.push(stepEvent(run, epoch, before + i + 1));
    });
    yield told;
    if (checkpoints !== null) yield await checkpoints.afterSteps();
  }
  stop.check();
  if (running.steps === 0) throw argumentError('fit', `samples in epoch ${epoch}`, 'none');
  const means = running.means(trainer.classifier);
  if (evaluator !== null && isFollowed(run, epoch)) trainer.readAhead(epoch + 1);
  const validation = await evaluator?.evaluate(host.values()).catch((error) => {
    throw stop.stopped ? stop.error() : error;
  });
  const { imagesPerSecond, seconds, learningRate } = running;
  const event: EpochEvent = {
    ...{ type: 'epoch', epoch, step: trainer.cursor.step, ...totals(run) },
    ...{ ...means, metrics: { ...means, ...running.metrics.results() } },
    ...{ learningRate, imagesPerSecond, seconds },
    ...(validation ? { validation } : {}),
  };
  const measures = measuresOf(event);
  checkpoints?.beforeJudged();
  run.schedule?.observe(measures);
  run.stopping?.observe(epoch, measures, () => host.values());
  run.history.add(event);
  running.reset();
  yield [event];
  if (checkpoints !== null) yield await checkpoints.afterEpoch(event);
}

/** What early stopping has found in a run, where it was asked for. */
export function stoppingOf({ stopping }: Run): Pick<History, 'earlyStopping'> {
  if (stopping === null) return {};
  const { epoch, value } = stopping.state();
  const { monitor } = stopping.settings;
  return {
    earlyStopping: { stopped: stopping.stops, monitor, bestEpoch: epoch, best: value },
  };
}
