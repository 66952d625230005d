import type { Outcome, RowResult } from './compare.ts';
import { geometricMean, spread } from './statistics.ts';
import { formatNumber, formatTable, markdownTable } from './table.ts';

/** A suite's rows. */
export interface SuiteResult {
  readonly suite: string;
  readonly rows: readonly RowResult[];
}

interface Measured {
  readonly title: string;
  readonly ratio: number;
}

function ratioCell(outcome: Outcome | undefined): string {
  if (outcome === undefined) return '';
  if (outcome.status !== 'measured') return outcome.status === 'failed' ? 'failed' : '–';
  if (outcome.ratio === undefined) return '?';
  return `${outcome.ratio.median.toFixed(2)}`;
}

function percent(value: number): string {
  return `${(100 * value).toFixed(0)} %`;
}

/** Names of peers in the order in which they first appear. */
function peersOf(rows: readonly RowResult[]): string[] {
  return [...new Set(rows.flatMap(({ outcomes }) => outcomes.slice(1).map(({ name }) => name)))];
}

/** Rate, spread, roofline, then how many times as long each peer takes. */
function cells(rows: readonly RowResult[]): { header: string[]; body: string[][] } {
  const peers = peersOf(rows);
  const units = new Set(rows.map(({ unit }) => unit));
  const header = [...units].join(' or ');
  const body = rows.map((row) => {
    const [ours] = row.outcomes;
    const own =
      ours?.status === 'measured'
        ? [
            formatNumber(row.amount / ours.seconds.median),
            `± ${percent(spread(ours.seconds) / 2)}`,
            `${percent(row.fraction ?? Number.NaN)} of ${row.bound.binding}`,
          ]
        : ['failed', '', ''];
    const theirs = peers.map((peer) => ratioCell(row.outcomes.find(({ name }) => name === peer)));
    return [row.title, ...own, ...theirs];
  });
  return { header: ['', header, 'spread', 'roofline', ...peers], body };
}

/** Geometric means of the ratios, and the rows in which a peer is clearly ahead. */
function summaries(rows: readonly RowResult[]): string[] {
  return peersOf(rows).flatMap((peer) => {
    const measured = rows.flatMap(({ title, outcomes }): Measured[] => {
      const outcome = outcomes.find(({ name }) => name === peer);
      const ratio = outcome?.status === 'measured' ? outcome.ratio?.median : undefined;
      return ratio === undefined ? [] : [{ title, ratio }];
    });
    if (measured.length === 0) return [];
    const mean = geometricMean(measured.map(({ ratio }) => ratio));
    const behind = measured.filter(({ ratio }) => ratio < 0.9);
    const line = `${peer}: takes ${mean.toFixed(2)} times as long, geometric mean of ${measured.length} rows; ${
      behind.length === 0 ? 'none' : behind.length
    } below 0.9`;
    return [
      behind.length === 0
        ? line
        : `${line}: ${behind.map(({ title, ratio }) => `${title.replaceAll('  ', ', ')} (${ratio.toFixed(2)})`).join('; ')}`,
    ];
  });
}

/** Why cells are empty, each reason once. */
function reasons(rows: readonly RowResult[]): string[] {
  const found = new Map<string, string[]>();
  for (const { title, outcomes } of rows) {
    for (const outcome of outcomes) {
      if (outcome.status === 'measured') continue;
      const key = `${outcome.name}, ${outcome.status}: ${outcome.note}`;
      found.set(key, [...(found.get(key) ?? []), title]);
    }
  }
  return [...found].map(([reason, titles]) =>
    titles.length === 1 ? `${reason} (${titles[0]})` : `${reason} (${titles.length} rows)`,
  );
}

/** A suite as lines of text. */
export function formatSuite({ suite, rows }: SuiteResult): string {
  const { header, body } = cells(rows);
  return [
    `${suite}: our rate; ratios: a peer's time over ours`,
    formatTable([suite, ...header.slice(1)], body),
    ...summaries(rows),
    ...reasons(rows),
  ].join('\n');
}

/** A suite as Markdown. */
export function markdownSuite({ suite, rows }: SuiteResult): string {
  const { header, body } = cells(rows);
  const list = [...summaries(rows), ...reasons(rows)].map((line) => `- ${line}`);
  return [markdownTable([suite, ...header.slice(1)], body), '', ...list].join('\n').trimEnd();
}
