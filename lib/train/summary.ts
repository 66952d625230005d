import type { PlacedLayer } from '../layers/block.ts';
import { elementCount, formatShape, type Shape } from '../shape.ts';
import { elementBytes } from '../tensor.ts';
import type { Architecture } from './architecture.ts';

/** What a layer takes and gives, for one sample. */
export interface LayerSummary {
  /** Its kind or title, behind its place. */
  readonly name: string;
  /** Of one sample, without the batch. */
  readonly outputShape: Shape;
  /** Learned values; the states of normalization do not count. */
  readonly parameters: number;
  /** Multiplications followed by an addition, forward. */
  readonly multiplyAdds: number;
  /** What the layer's output takes, with what layers within it give. */
  readonly activationBytes: number;
  /** What parameters and states take. */
  readonly parameterBytes: number;
  /** The layers that it is made of; none for most. */
  readonly layers: readonly LayerSummary[];
}

function summaryOf(placed: PlacedLayer, valueBytes: number): LayerSummary {
  const { label, output, parameters, multiplyAdds } = placed;
  const layers = placed.inner.map((inner) => summaryOf(inner, valueBytes));
  const count = (of: typeof parameters): number =>
    of.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const within = layers.reduce((sum, { activationBytes }) => sum + activationBytes, 0);
  const own = placed.keepsValues ? elementCount(output) * valueBytes : 0;
  return {
    name: label,
    outputShape: output,
    parameters: count(parameters.filter(({ state }) => state !== true)),
    multiplyAdds,
    activationBytes: within + own,
    parameterBytes: count(parameters) * valueBytes,
    layers,
  };
}

/** One row a layer. */
export function summarize(architecture: Architecture): LayerSummary[] {
  const valueBytes = elementBytes(architecture.dtype);
  return architecture.layers.map((placed) => summaryOf(placed, valueBytes));
}

const columns = [
  'layer',
  'output shape',
  'parameters',
  'multiply-adds',
  'activation bytes',
  'parameter bytes',
];
const numbers = ['parameters', 'multiplyAdds', 'activationBytes', 'parameterBytes'] as const;

function format(value: number): string {
  return value.toLocaleString('en-US');
}

function cellsOf(row: LayerSummary, depth: number): string[][] {
  return [
    [
      `${'  '.repeat(depth)}${row.name}`,
      `(${row.outputShape.join(', ')})`,
      ...numbers.map((number) => format(row[number])),
    ],
    ...row.layers.flatMap((inner) => cellsOf(inner, depth + 1)),
  ];
}

/**
 * The table of layers as text: layer, output shape, parameters, multiply-adds and bytes for one
 * sample, and their sums. Layers within a layer are indented; its row holds their sums.
 */
export function formatSummary(architecture: Architecture): string {
  const rows = summarize(architecture);
  const input = `(${architecture.inputShape.join(', ')})`;
  const cells = [
    columns,
    ['input', input, '', '', '', ''],
    ...rows.flatMap((row) => cellsOf(row, 0)),
    [
      'total',
      '',
      ...numbers.map((number) => format(rows.reduce((sum, row) => sum + row[number], 0))),
    ],
  ];
  const widths = columns.map((_, c) => Math.max(...cells.map((row) => row[c]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  const lines = cells.map((row) => row.map(pad).join('  ').trimEnd());
  const rule = '─'.repeat(Math.max(...lines.map((line) => line.length)));
  return [lines[0], rule, ...lines.slice(1, -1), rule, lines.at(-1)].join('\n');
}

/** What console.log shows of a network: the table, deep within other objects one line. */
export function inspectNetwork(architecture: Architecture, depth: number): string {
  if (depth >= 0) return `Network ${architecture.dtype}\n${formatSummary(architecture)}`;
  const { inputShape, outputShape, dtype } = architecture;
  const parameters = summarize(architecture).reduce((sum, row) => sum + row.parameters, 0);
  const shapes = `${formatShape(inputShape)} → ${formatShape(outputShape)}`;
  return `[Network ${dtype} ${shapes}, ${format(parameters)} parameters]`;
}
