import * as sn from '../../index.ts';
import { dataOf } from '../data.ts';
import { type Facts, isSaved, modelOf } from '../model.ts';
import { exitCodes, note, percent } from '../process.ts';
import type { Settings } from '../settings.ts';

/** What every command is given besides its settings. */
export interface Context {
  /** The files of predict. */
  readonly files: readonly string[];
  /** Fires at Ctrl-C, for the commands that listen to it. */
  interrupted(): AbortSignal;
}

/** Does its work, and gives the exit code. */
export type Command = (settings: Settings, context: Context) => Promise<number>;

/** 'stridenet 0.1.0, native backend: avx512 on 2 threads'. */
export function describeMachine({ backend, threads }: Settings, version: string): string {
  const name = `stridenet ${version}`;
  if (backend === 'reference') return `${name}, reference backend: plain loops on one thread`;
  const cpu = sn.cpuInfo();
  if (cpu.isa === null) {
    return `${name}, reference backend, as no native addon could be loaded: plain loops on one thread`;
  }
  const asked = threads !== undefined && threads > cpu.threads ? ` (${threads} asked for)` : '';
  return `${name}, native backend: ${cpu.isa} on ${cpu.threads} ${cpu.threads === 1 ? 'thread' : 'threads'}${asked}`;
}

/** What is known of a network. */
export function factsOfNetwork({ architecture, classNames }: sn.Network): Facts {
  const { inputShape } = architecture;
  return { inputShape, ...(classNames === null ? {} : { classNames }) };
}

/** The network of a command that shows one; data, where they are named, tell its shape. */
export async function shownModel(settings: Settings): Promise<sn.Network> {
  const told = settings.data !== undefined && !isSaved(settings);
  return modelOf(settings, told ? (await dataOf(settings)).facts : {});
}

/** Gives 130 for what Ctrl-C has ended. */
export async function endingWith(signal: AbortSignal, body: () => Promise<void>): Promise<number> {
  try {
    await body();
    return exitCodes.done;
  } catch (error) {
    if (!signal.aborted) throw error;
    note('interrupted');
    return exitCodes.interrupted;
  }
}

/** 'loss 0.1234, accuracy 98.50 %, f1 0.9840'. */
export function describeEvaluation({ loss, accuracy, metrics = {} }: sn.Evaluation): string {
  const others = Object.entries(metrics).flatMap(([name, value]) =>
    typeof value === 'number' && name !== 'accuracy' ? [`${name} ${value.toFixed(4)}`] : [],
  );
  const share = accuracy === undefined ? [] : [`accuracy ${percent(accuracy, 2)}`];
  return [`loss ${loss.toFixed(4)}`, ...share, ...others].join(', ');
}

/** Says on a terminal how far long work is, in a line that the next one takes the place of. */
export function showProgress(text: string): void {
  const { stderr } = process;
  if (stderr.isTTY) stderr.write(`\r${text}\u001b[K`);
}

/** Rows of text in columns, those of `right` to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((text, c) => {
      widths[c] = Math.max(widths[c] ?? 0, text.length);
    });
  }
  const cell = (text: string, c: number): string =>
    right.includes(c) ? text.padStart(widths[c] ?? 0) : text.padEnd(widths[c] ?? 0);
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}
