import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { show } from '../../errors.ts';
import * as sn from '../../index.ts';
import { version } from '../../version.ts';
import { type Data, dataOf, sizeOf } from '../data.ts';
import { augmentationOf, lossOf, metricsOf, optimizerOf, scheduleOf } from '../make.ts';
import { describeModel, isSaved, modelOf, neededModel } from '../model.ts';
import { count, exitCodes, note, print, UsageError } from '../process.ts';
import { labelOf } from '../readSettings.ts';
import { refusedOption } from '../refusedOption.ts';
import { prepareSave } from '../save.ts';
import type { Key, Settings } from '../settings.ts';
import {
  type Command,
  describeEvaluation,
  describeMachine,
  endingWith,
  factsOfNetwork,
} from './common.ts';

const usualOut = 'model.safetensors';

/** The settings whose keys begin with `group.`, as an object; undefined when there is none. */
function grouped<T>(settings: Settings, group: string): T | undefined {
  const entries = Object.entries(settings).filter(([key]) => key.startsWith(`${group}.`));
  if (entries.length === 0) return undefined;
  return Object.fromEntries(
    entries.map(([key, value]) => [key.slice(group.length + 1), value]),
  ) as T;
}

/** The settings that `fit` takes as they are. */
const plain: readonly Key[] = [
  ...(['batchSize', 'accumulate', 'clipNorm', 'clipValue', 'frozen'] as const),
  ...(['rates', 'seed', 'validationSplit'] as const),
];

/** Throws UsageError for a path whose ending means another format than the one that is written. */
function checkEndings(settings: Settings): void {
  const { out, history } = settings;
  const refuse = (key: 'out' | 'history', endings: string): UsageError => {
    const what = `${labelOf(settings, key)} needs a path that ends in ${endings}`;
    return new UsageError(`${what}, not ${show(settings[key])}`);
  };
  // What begins with a digit, as in run-0.5, is the end of a number.
  if (out && /^\.(?!safetensors$)[a-z]/i.test(extname(out))) {
    throw refuse('out', '.safetensors, the format of saved models');
  }
  if (history !== undefined && !/^\.(csv|jsonl)$/.test(extname(history))) {
    throw refuse('history', '.csv or .jsonl');
  }
}

/** How long training is; of epochs and steps a flag counts more than the configuration. */
function durationOf(settings: Settings): Pick<sn.FitOptions, 'epochs' | 'steps'> {
  const { epochs, steps, from } = settings;
  if (epochs === undefined || steps === undefined) {
    return steps === undefined ? { epochs: epochs ?? 1 } : { steps };
  }
  const byFlag = (['epochs', 'steps'] as const).filter((key) => from.get(key)?.startsWith('--'));
  if (byFlag.length === 1) return byFlag[0] === 'steps' ? { steps } : { epochs };
  throw new UsageError(`${from.get('epochs')} and ${from.get('steps')} exclude each other`);
}

/** Everything of `fit` that does not depend on data; UsageErrors come before anything is read. */
function fitOptions(settings: Settings): sn.FitOptions {
  const checkpoint = grouped<sn.CheckpointOptions>(settings, 'checkpoint');
  if (checkpoint !== undefined && checkpoint.directory === undefined) {
    throw new UsageError('checkpoints need a folder: --checkpoint FOLDER');
  }
  if (settings.resume === true && checkpoint === undefined) {
    throw new UsageError('--resume needs --checkpoint FOLDER, or a path: --resume FILE');
  }
  const made = {
    schedule: scheduleOf(settings),
    loss: lossOf(settings),
    averaging: grouped<sn.AveragingOptions>(settings, 'averaging'),
    earlyStopping: grouped<sn.EarlyStoppingOptions>(settings, 'earlyStopping'),
    checkpoint: checkpoint && { ...checkpoint, onAbort: true },
    resume: settings.resume,
  };
  const taken = plain.map((key) => [key, settings[key]] as const);
  const entries = [...Object.entries(made), ...taken].filter(([, value]) => value !== undefined);
  return {
    ...(Object.fromEntries(entries) as sn.FitOptions),
    ...durationOf(settings),
    optimizer: optimizerOf(settings),
    metrics: metricsOf(settings),
    augmentation: augmentationOf(settings),
  };
}

async function validationOf(settings: Settings, data: Data): Promise<sn.FitOptions> {
  const { validationData } = settings;
  if (validationData === undefined) return {};
  if (validationData.kind !== 'test') {
    const { limit: _, ...whole } = settings;
    return { validationData: (await dataOf(whole, data.facts, 'validationData')).train };
  }
  if (data.test === null) throw new UsageError(`${data.name} has no part to test with`);
  return { validationData: data.test };
}

/** A word of a command line as a shell reads it. */
function quoted(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The command line that goes on with the training of `args` from its newest checkpoint. */
export function resumeLine(args: readonly string[]): string {
  const rest = args.filter((word, i) => {
    const path = args[i - 1] === '--resume' && !word.startsWith('-');
    return !path && word !== '--resume' && !word.startsWith('--resume=');
  });
  return ['npx', 'stridenet', ...rest, '--resume'].map(quoted).join(' ');
}

/** Steps since the start of training, of this run and of those that it went on from. */
interface Steps {
  begun: number;
  done: number;
}

/** Says where Ctrl-C has stopped the training of the command line `args`, and how it goes on. */
export async function interruption(
  directory: string | URL | undefined,
  { begun, done }: Steps,
  args: readonly string[],
): Promise<string> {
  const place = done === 0 ? 'before the first step' : `after step ${count(done)}`;
  const latest =
    directory === undefined || done === 0 ? null : await sn.latestCheckpoint(directory);
  if (latest === null) {
    const cure = directory ? '' : '; with --checkpoint FOLDER training can go on where it stopped';
    return `interrupted ${place}: nothing was saved${cure}`;
  }
  const checkpoint = `${done > begun ? 'wrote' : 'there is'} ${latest.path}`;
  return `interrupted ${place}: ${checkpoint}\nto go on: ${resumeLine(args)}`;
}

async function writeHistory(path: string, history: sn.History): Promise<void> {
  const text = path.endsWith('.csv') ? sn.history.toCsv(history) : sn.history.toJsonLines(history);
  await writeFile(path, text);
}

interface Prepared {
  readonly net: sn.Network;
  readonly data: Data;
  readonly options: sn.FitOptions;
  readonly out: string | false;
}

async function prepare(settings: Settings, signal: AbortSignal): Promise<Prepared> {
  const { out = usualOut, history } = settings;
  const options = fitOptions(settings);
  checkEndings(settings);
  neededModel(settings);
  const saved = isSaved(settings) ? await modelOf(settings) : null;
  const data = await dataOf(settings, saved === null ? {} : factsOfNetwork(saved));
  const net = saved ?? (await modelOf(settings, data.facts));
  const validation = await validationOf(settings, data);
  if (out !== false) await prepareSave(out, '--out');
  if (history !== undefined) await prepareSave(history, '--history');
  const { progress = 'auto' } = settings;
  const verbose = progress === 'auto' ? true : progress === 'none' ? false : progress;
  return { net, data, options: { ...options, ...validation, signal, verbose }, out };
}

function describe(settings: Settings, { net, data }: Prepared): void {
  print(describeMachine(settings, version));
  const test = data.test === null ? '' : `, ${sizeOf(data.test)} to test with`;
  print(`data: ${data.name}, ${sizeOf(data.train)} to train on${test}`);
  print(`model: ${describeModel(settings, net)}`);
}

/**
 * Trains; null when Ctrl-C has ended it.
 * @throws UsageError for options that do not fit the network or the data
 */
async function run(
  settings: Settings,
  { net, data, options }: Prepared,
): Promise<sn.History | null> {
  const steps: Steps = { begun: 0, done: 0 };
  let started = false;
  try {
    return await net.fit(data.train, {
      ...options,
      callbacks: {
        onStart: ({ step }) => {
          started = true;
          steps.begun = step;
          steps.done = step;
        },
        onStep: ({ step }) => {
          steps.done = step;
        },
      },
    });
  } catch (error) {
    if (!options.signal?.aborted) {
      throw (started ? null : refusedOption(settings, error)) ?? error;
    }
    const directory = options.checkpoint?.directory;
    note(await interruption(directory, steps, process.argv.slice(2)));
    return null;
  }
}

/** `stridenet train`: trains a network and saves it. */
export const train: Command = async (settings, { interrupted }) => {
  const signal = interrupted();
  const prepared = await prepare(settings, signal);
  const { net, data, options, out } = prepared;
  describe(settings, prepared);
  const start = performance.now();
  const history = await run(settings, prepared);
  if (history === null) return exitCodes.interrupted;
  print(`trained in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  if (history.earlyStopping?.stopped) {
    print(`stopped early: epoch ${history.earlyStopping.bestEpoch} was the best`);
  }
  if (out !== false) {
    await net.save(out);
    print(`saved ${out}`);
  }
  if (settings.history !== undefined) await writeHistory(settings.history, history);
  if (data.test !== null) {
    const { metrics = [] } = options;
    const { test } = data;
    return endingWith(signal, async () => {
      print(`test: ${describeEvaluation(await net.evaluate(test, { metrics, signal }))}`);
    });
  }
  return exitCodes.done;
};
