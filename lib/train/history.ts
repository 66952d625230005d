/**
 * What `fit` gave, as text for other programs.
 * @module
 */
import { argumentError } from '../errors.ts';
import type { History } from './events.ts';

function checkHistory(where: string, history: History): void {
  if (Array.isArray(history?.epochs)) return;
  throw argumentError(where, 'a history as fit returns it', history);
}

/** The numbers within a record by their paths: 'validation.loss', 'metrics.f1.0'. */
function* numbersOf(value: unknown, path: string): Generator<[path: string, value: unknown]> {
  if (typeof value !== 'object' || value === null) {
    yield [path, value];
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    yield* numbersOf(inner, path === '' ? key : `${path}.${key}`);
  }
}

/** A cell as RFC 4180 has it: in quotes where it holds what parts cells. */
function cell(value: unknown): string {
  const text = value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A history as CSV: a line of names, then one an epoch. What lies within others has its path for a
 * name: 'validation.loss'. Cells are empty where an epoch has no such number.
 * @param history what `fit` gave
 * @throws ERR_ARGUMENT for what is no history
 */
export function toCsv(history: History): string {
  checkHistory('toCsv', history);
  const rows = history.epochs.map((record) => new Map(numbersOf(record, '')));
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const lines = [names, ...rows.map((row) => names.map((name) => row.get(name)))];
  return lines.map((line) => `${line.map(cell).join(',')}\n`).join('');
}

/**
 * A history as JSON lines: an object an epoch.
 * @param history what `fit` gave
 * @throws ERR_ARGUMENT for what is no history
 */
export function toJsonLines(history: History): string {
  checkHistory('toJsonLines', history);
  return history.epochs.map((record) => `${JSON.stringify(record)}\n`).join('');
}
