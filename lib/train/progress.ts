import type { SingleBar } from 'cli-progress';
import { argumentError } from '../errors.ts';
import type { Callbacks, EpochEvent, Evaluation, StartEvent, StepEvent } from './events.ts';

/** How progress is shown: true picks the bar on a terminal and plain lines elsewhere. */
export type Verbosity = boolean | 'bar' | 'plain';

/** Where progress is written. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Shows progress; `stop` ends it, also after an error, and leaves the cursor on a new line. */
export interface Progress extends Callbacks {
  onStart(event: StartEvent): void;
  onStep(event: StepEvent): void | Promise<void>;
  onEpoch(event: EpochEvent): void | Promise<void>;
  stop(): void;
}

const plainIntervalMs = 5000;

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** "1:05", or "1:01:05" from an hour on. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  if (whole >= 3600) parts.unshift(Math.floor(whole / 3600));
  return parts.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}

function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** "loss 0.3012, accuracy 91.20 %" and the other numbers. */
function formatMeasures({ loss, accuracy, metrics = {} }: Evaluation): string {
  const parts = [`loss ${loss.toFixed(4)}`];
  if (accuracy !== undefined) parts.push(`accuracy ${percent(accuracy)}`);
  for (const [name, value] of Object.entries(metrics)) {
    if (name === 'loss' || (name === 'accuracy' && accuracy !== undefined)) continue;
    if (typeof value === 'number') parts.push(`${name} ${value.toFixed(4)}`);
  }
  return parts.join(', ');
}

function formatValidation({ validation }: EpochEvent): string {
  return validation === undefined ? '' : `; validation ${formatMeasures(validation)}`;
}

/** "epoch 2/10", or "epoch 2" where nobody knows of how many. */
function formatPlace({ epoch, epochs }: StartEvent | StepEvent | EpochEvent): string {
  return epochs === null ? `epoch ${epoch}` : `epoch ${epoch}/${epochs}`;
}

function formatEpoch(event: EpochEvent): string {
  const rate = `${formatCount(event.imagesPerSecond)} images/s`;
  return `${formatMeasures(event)}, ${rate}, ${event.seconds.toFixed(1)} s${formatValidation(event)}`;
}

/** "1,000 of 6,000", or what is known of it. */
function formatShare({ samples, samplesPerEpoch }: StepEvent): string {
  const all = samplesPerEpoch === null ? 'samples' : `of ${formatCount(samplesPerEpoch)}`;
  return `${formatCount(samples)} ${all}`;
}

function formatStep(event: StepEvent): string {
  const { secondsLeft: left } = event;
  const time = left === null ? '' : `, ${formatSeconds(left)} left`;
  return `${formatMeasures(event)}, ${formatCount(event.imagesPerSecond)} images/s${time}`;
}

/** Says where training goes on, unless it begins. */
function tellPlace(stream: ProgressStream, event: StartEvent): void {
  if (event.step === 0) return;
  stream.write(`goes on after step ${formatCount(event.step)}, ${formatPlace(event)}\n`);
}

function plainProgress(stream: ProgressStream): Progress {
  let last = performance.now();
  return {
    onStart: (event) => tellPlace(stream, event),
    onStep(event) {
      if (performance.now() - last < plainIntervalMs) return;
      last = performance.now();
      const share = formatShare(event);
      stream.write(`${formatPlace(event)}, ${share}: ${formatStep(event)}\n`);
    },
    onEpoch(event) {
      last = performance.now();
      stream.write(`${formatPlace(event)}: ${formatEpoch(event)}\n`);
    },
    stop() {},
  };
}

function barProgress(stream: ProgressStream): Progress {
  let bar: SingleBar | null = null;
  let stopped = false;
  const stop = (): void => {
    bar?.stop();
    bar = null;
  };
  const start = async (event: StepEvent): Promise<void> => {
    const progress = await import('cli-progress');
    if (stopped) return;
    const Bar = progress.SingleBar ?? progress.default.SingleBar;
    bar = new Bar({
      stream: stream as unknown as NodeJS.WriteStream,
      format:
        event.samplesPerEpoch === null
          ? '{title} {share}, {measures}'
          : '{title} {bar} {percentage} % {measures}',
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: (stream.columns ?? 80) >= 110 ? 20 : 10,
      // Handlers of its own would swallow the first Ctrl-C of programs that have none.
      gracefulExit: false,
      linewrap: true,
      noTTYOutput: true,
    });
    bar.start(event.samplesPerEpoch ?? 0, 0, {
      title: formatPlace(event),
      share: formatShare(event),
      measures: '',
    });
  };
  return {
    onStart: (event) => tellPlace(stream, event),
    async onStep(event) {
      if (bar === null) await start(event);
      bar?.update(event.samples, { share: formatShare(event), measures: formatStep(event) });
    },
    onEpoch(event) {
      bar?.update({ measures: formatEpoch(event) });
      stop();
    },
    stop() {
      stopped = true;
      stop();
    },
  };
}

const silent: Progress = { onStart() {}, onStep() {}, onEpoch() {}, stop() {} };

/**
 * Callbacks that show how training goes: a bar an epoch, redrawn in place, or one line an epoch
 * and one every five seconds within it. Whoever trains calls `stop` at the end, however it ends.
 *
 * @param verbose nothing is shown when false or left out
 * @throws ERR_ARGUMENT for another `verbose`
 */
export function createProgress(
  verbose: Verbosity | undefined,
  stream: ProgressStream = process.stdout,
): Progress {
  if (verbose === undefined || verbose === false) return silent;
  if (verbose === 'plain') return plainProgress(stream);
  if (verbose === 'bar') return barProgress(stream);
  if (verbose === true) return stream.isTTY ? barProgress(stream) : plainProgress(stream);
  throw argumentError('fit', "verbose to be a boolean, 'bar' or 'plain'", verbose);
}
