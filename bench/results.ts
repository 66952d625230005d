import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AugmentationResult, augmentationTable } from './augmentation.ts';
import { type CheckpointResult, checkpointTable } from './checkpoint.ts';
import type { MemoryOutcome, MemoryResult } from './memory.ts';
import { formatStreams, type StreamResult } from './operators.ts';
import type { Missing } from './peers.ts';
import { formatRatios, type ReferenceRatio } from './reference.ts';
import { formatSuite, markdownSuite, type SuiteResult } from './report.ts';
import type { Peaks } from './roofline.ts';
import { type ServingResult, servingTable } from './serving.ts';
import type { Summary } from './statistics.ts';
import { formatNumber, formatTable, markdownTable } from './table.ts';

/** All that one run measured: what --json writes and --from reads. */
export interface Results {
  readonly machine: {
    readonly cpu: string;
    readonly cpus: number;
    readonly memoryGiB: number;
    readonly node: string;
    readonly isa: string;
  };
  readonly threads: number;
  readonly date: string;
  /** What peers were built with. */
  readonly notes: readonly string[];
  readonly missing: readonly Missing[];
  readonly peaks: readonly Peaks[];
  readonly rows: readonly SuiteResult[];
  readonly memory?: readonly MemoryResult[];
  /** Milliseconds of importing the package. */
  readonly imports?: Summary;
  readonly operators?: readonly StreamResult[];
  readonly reference?: readonly ReferenceRatio[];
  readonly augmentation?: readonly AugmentationResult[];
  readonly serving?: readonly ServingResult[];
  readonly checkpoints?: readonly CheckpointResult[];
  /** Seconds of each suite. */
  readonly took: Readonly<Record<string, number>>;
}

type Table = { header: string[]; body: string[][]; lines: string[] };

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : formatNumber(bytes / 1e6);
}

function memoryCell(outcome: MemoryOutcome | undefined, ours: number | undefined): string {
  if (outcome === undefined) return '';
  if (outcome.peak === undefined) return outcome.status === 'failed' ? 'failed' : '–';
  const share = ours === undefined ? '' : ` (${(ours / outcome.peak).toFixed(2)})`;
  return `${megabytes(outcome.peak)}${share}`;
}

/** Peak memory in MB; in brackets our share of a peer's. */
function memoryTable(results: readonly MemoryResult[]): Table {
  const names = [
    ...new Set(results.flatMap(({ outcomes }) => outcomes.slice(1).map(({ name }) => name))),
  ];
  const body = results.map(({ title, outcomes }) => {
    const [ours] = outcomes;
    const theirs = names.map((name) =>
      memoryCell(
        outcomes.find((outcome) => outcome.name === name),
        ours?.peak,
      ),
    );
    const own = [memoryCell(ours, undefined), megabytes(ours?.loaded), megabytes(ours?.held)];
    return [title, ...own, ...theirs];
  });
  const failures = results.flatMap(({ title, outcomes }) =>
    outcomes
      .filter(({ status }) => status !== 'measured')
      .map(({ name, status, note }) => `${name}, ${status}: ${note} (${title})`),
  );
  const header = ['memory, MB at most', 'stridenet', 'of it loaded', 'of it in Programs', ...names];
  return { header, body, lines: [...new Set(failures)] };
}

function importLine({ median, lower, upper, count }: Summary): string {
  const [middle, from, to] = [median, lower, upper].map((value) => value.toFixed(1));
  return `import of the package: ${middle} ms (quartiles ${from} to ${to}, ${count} processes)`;
}

/** The peaks that rows are held against. */
function formatPeaks({ threads, flops, copies }: Peaks): string {
  const rates = copies.map(({ bytes, rate }) => {
    const size = bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`;
    return `${size} ${formatNumber(rate / 1e9)}`;
  });
  const [single, double] = [flops.float32, flops.float64].map((rate) => formatNumber(rate / 1e9));
  return `${threads} ${threads === 1 ? 'thread' : 'threads'}: FMA peak ${single} GFLOP/s float32, ${double} float64; copy, GB/s by bytes moved: ${rates.join(', ')}`;
}

function about({ machine, threads, date, notes, missing, peaks }: Results): string[] {
  const { cpu, cpus, memoryGiB, node, isa } = machine;
  return [
    `${cpu}, ${cpus} CPUs, ${memoryGiB} GiB, Node ${node}, ${isa}, ${threads} threads, ${date.slice(0, 10)}`,
    ...peaks.map(formatPeaks),
    ...notes,
    ...missing.map(({ name, reason }) => `without ${name}: ${reason}`),
  ];
}

/** The machine, its peaks and its peers as text. */
export function formatAbout(results: Results): string {
  return about(results).join('\n');
}

/** What is told by one table, by the name of its suite. */
function plainTables({
  checkpoints,
  augmentation,
  serving,
}: Partial<Results>): Map<string, Pick<Table, 'header' | 'body'>> {
  const tables = new Map<string, Pick<Table, 'header' | 'body'>>();
  if (checkpoints !== undefined) tables.set('checkpoint', checkpointTable(checkpoints));
  if (augmentation !== undefined) tables.set('augmentation', augmentationTable(augmentation));
  if (serving !== undefined) tables.set('serving', servingTable(serving));
  return tables;
}

/** All tables as text. */
export function formatTables(results: Pick<Results, 'rows'> & Partial<Results>): string {
  const { rows, memory, imports, operators, reference } = results;
  const parts = rows.map(formatSuite);
  if (memory !== undefined && memory.length > 0) {
    const { header, body, lines } = memoryTable(memory);
    parts.push([formatTable(header, body), ...lines].join('\n'));
  }
  if (imports !== undefined) parts.push(importLine(imports));
  if (operators !== undefined) parts.push(formatStreams(operators));
  if (reference !== undefined) parts.push(formatRatios(reference));
  for (const { header, body } of plainTables(results).values()) {
    parts.push(formatTable(header, body));
  }
  return parts.join('\n\n');
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}

/** Each part's Markdown, by the name that its mark has. */
function markdownParts(results: Results): Map<string, string> {
  const { rows, memory, imports, operators, reference } = results;
  const parts = new Map([['machine', bullets(about(results))]]);
  for (const suite of rows) parts.set(suite.suite, markdownSuite(suite));
  if (memory !== undefined) {
    const { header, body, lines } = memoryTable(memory);
    const further = [...(imports === undefined ? [] : [importLine(imports)]), ...lines];
    parts.set('memory', `${markdownTable(header, body)}\n\n${bullets(further)}`.trimEnd());
  }
  const fenced = (text: string): string => `\`\`\`\n${text}\n\`\`\``;
  if (operators !== undefined) parts.set('operators', fenced(formatStreams(operators)));
  if (reference !== undefined) parts.set('reference', fenced(formatRatios(reference)));
  for (const [name, { header, body }] of plainTables(results)) {
    parts.set(name, markdownTable(header, body));
  }
  return parts;
}

/** Text with every part between its marks, `<!-- bench NAME -->` and `<!-- end -->`; others stay. */
export function fillMarks(text: string, parts: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /(<!-- bench (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (whole, begin: string, name: string, end: string) => {
      const part = parts.get(name);
      return part === undefined ? whole : `${begin}\n${part}\n\n${end}`;
    },
  );
}

/** Writes the tables into the marks of a file, or as a file of their own. */
export function writeMarkdown(file: string, results: Results): void {
  const parts = markdownParts(results);
  const known = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const text = known.includes('<!-- bench ')
    ? fillMarks(known, parts)
    : [...parts].map(([name, part]) => `## ${name}\n\n${part}\n`).join('\n');
  writeFileSync(file, text);
}
