import { backendOf } from '../lib/backends/index.ts';
import { type GraphVariable, Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import type { SuiteOptions } from './options.ts';
import { measureRates, median } from './statistics.ts';
import { formatTable } from './table.ts';

/** An operator over large arrays. */
interface Stream {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly fn: (...operands: sn.Variable[]) => sn.Operand;
  /** 'memory': bound by bandwidth; 'math': by a function's own work. */
  readonly kind: 'memory' | 'math';
}

const { ops } = sn;
const flat = [2 ** 24];
const images = [64, 64, 64, 64];

const streams: readonly Stream[] = [
  { name: 'add, same shape', kind: 'memory', shapes: [flat, flat], fn: (a, b) => ops.add(a, b) },
  { name: 'mul by a number', kind: 'memory', shapes: [flat], fn: (a) => ops.mul(a, 2) },
  {
    name: 'add a row to (2^14, 2^10)',
    kind: 'memory',
    shapes: [[2 ** 14, 2 ** 10], [2 ** 10]],
    fn: (a, b) => ops.add(a, b),
  },
  { name: 'abs', kind: 'memory', shapes: [flat], fn: (a) => ops.abs(a) },
  { name: 'relu', kind: 'memory', shapes: [flat], fn: (a) => ops.relu(a) },
  { name: 'leakyRelu', kind: 'memory', shapes: [flat], fn: (a) => ops.leakyRelu(a) },
  { name: 'clip', kind: 'memory', shapes: [flat], fn: (a) => ops.clip(a, { min: -0.5, max: 0.5 }) },
  { name: 'sqrt', kind: 'memory', shapes: [flat], fn: (a) => ops.sqrt(a) },
  { name: 'sum of all', kind: 'memory', shapes: [flat], fn: (a) => ops.sum(a) },
  {
    name: 'sum over the first axis',
    kind: 'memory',
    shapes: [[2 ** 14, 2 ** 10]],
    fn: (a) => ops.sum(a, { axis: 0 }),
  },
  {
    name: 'sum over the last axis',
    kind: 'memory',
    shapes: [[2 ** 14, 2 ** 10]],
    fn: (a) => ops.sum(a, { axis: 1 }),
  },
  {
    name: 'sum of channels last over N, H, W',
    kind: 'memory',
    shapes: [images],
    fn: (a) => ops.sum(a, { axis: [0, 1, 2] }),
  },
  { name: 'max of all', kind: 'memory', shapes: [flat], fn: (a) => ops.max(a) },
  {
    name: 'add a column to (2^14, 2^10)',
    kind: 'memory',
    shapes: [
      [2 ** 14, 2 ** 10],
      [2 ** 14, 1],
    ],
    fn: (a, b) => ops.add(a, b),
  },
  {
    name: 'maximum, same shape',
    kind: 'memory',
    shapes: [flat, flat],
    fn: (a, b) => ops.maximum(a, b),
  },
  {
    name: 'transpose NCHW to NHWC',
    kind: 'memory',
    shapes: [images],
    fn: (a) => ops.transpose(a, [0, 2, 3, 1]),
  },
  {
    name: 'concat of channels',
    kind: 'memory',
    shapes: [
      [64, 32, 64, 64],
      [64, 32, 64, 64],
    ],
    fn: (a, b) => ops.concat([a, b], { axis: 1 }),
  },
  {
    name: 'slice of channels',
    kind: 'memory',
    shapes: [[64, 128, 64, 64]],
    fn: (a) => ops.slice(a, [null, [32, 96]]),
  },
  {
    name: 'pad by 1',
    kind: 'memory',
    shapes: [images],
    fn: (a) =>
      ops.pad(a, [
        [1, 1],
        [1, 1],
      ]),
  },
  { name: 'flip of rows', kind: 'memory', shapes: [images], fn: (a) => ops.flip(a, [2]) },
  { name: 'flip of columns', kind: 'memory', shapes: [images], fn: (a) => ops.flip(a, [3]) },
  {
    name: 'pow',
    kind: 'math',
    shapes: [[2 ** 20], [2 ** 20]],
    fn: (a, b) => ops.pow(a, b),
  },
  { name: 'exp', kind: 'math', shapes: [flat], fn: (a) => ops.exp(a) },
  { name: 'log', kind: 'math', shapes: [flat], fn: (a) => ops.log(ops.abs(a)) },
  { name: 'tanh', kind: 'math', shapes: [flat], fn: (a) => ops.tanh(a) },
  { name: 'sigmoid', kind: 'math', shapes: [flat], fn: (a) => ops.sigmoid(a) },
  { name: 'erf', kind: 'math', shapes: [flat], fn: (a) => ops.erf(a) },
  { name: 'gelu', kind: 'math', shapes: [flat], fn: (a) => ops.gelu(a) },
  { name: 'sin', kind: 'math', shapes: [flat], fn: (a) => ops.sin(a) },
  {
    name: 'softmax of rows of 1024',
    kind: 'math',
    shapes: [[2 ** 14, 2 ** 10]],
    fn: (a) => ops.softmax(a),
  },
];

function bytesOf(shape: readonly number[]): number {
  return 4 * shape.reduce((product, size) => product * size, 1);
}

/** GB/s of a function's operands and result, computed inside a Program. */
async function bandwidthOf(
  shapes: readonly (readonly number[])[],
  fn: (...operands: sn.Variable[]) => sn.Operand,
  { threads, seconds }: SuiteOptions,
): Promise<readonly number[]> {
  const tracer = new Tracer();
  const operands = shapes.map((shape) => tracer.input({ shape, dtype: 'float32' }, 'state'));
  const value = fn(...operands) as GraphVariable;
  const target = tracer.input({ shape: value.shape, dtype: value.dtype }, 'state');
  const graph = tracer.graph([], [{ state: target, value }]);
  // Else what no step changes is computed once, and not in each step.
  const passes = { hoist: false };
  const program = backendOf('native').prepare(graph, { threads, passes });
  const random = new Generator(1);
  shapes.forEach((shape, i) => {
    const operand = sn.zeros(shape, 'float32');
    const period = Float32Array.from({ length: 4099 }, () => 2 * random.uniform() - 1);
    for (let j = 0; j < operand.size; j++) operand.data[j] = period[j % 4099] as number;
    program.write(i, operand);
  });
  const bytes = [...shapes, value.shape].reduce((sum, shape) => sum + bytesOf(shape), 0);
  const rates = await measureRates(
    async () => {
      await program.run({ steps: 4, feeds: [] });
      return (4 * bytes) / 1e9;
    },
    { seconds },
  );
  program.dispose();
  return rates.all;
}

/** What one operator reached, beside a copy measured just before and after it. */
export interface StreamResult {
  readonly name: string;
  readonly kind: 'memory' | 'math';
  /** GB/s read and written. */
  readonly bandwidth: number;
  readonly copy: number;
}

/** Every operator of the table; a copy before and after each, since the machine's pace wanders. */
export async function measureStreams(
  options: SuiteOptions,
  onTask: (name: string) => void,
): Promise<StreamResult[]> {
  const short = { ...options, seconds: Math.min(options.seconds, 0.5) };
  const copy = (): Promise<readonly number[]> => bandwidthOf([flat], (a) => a, short);
  const results: StreamResult[] = [];
  let before = await copy();
  for (const { name, kind, shapes, fn } of streams) {
    onTask(name);
    const rates = await bandwidthOf(shapes, fn, short);
    const after = await copy();
    results.push({
      name,
      kind,
      bandwidth: median(rates),
      copy: median([...before, ...after]),
    });
    before = after;
  }
  return results;
}

/** The table of `measureStreams`. */
export function formatStreams(results: readonly StreamResult[]): string {
  const rows = results.map(({ name, kind, bandwidth, copy }) => [
    `${kind === 'memory' ? '' : '(math) '}${name}`,
    bandwidth.toFixed(1),
    copy.toFixed(1),
    `${((100 * bandwidth) / copy).toFixed(0)} %`,
  ]);
  return formatTable(['operator, float32', 'GB/s', 'copy GB/s', 'of the copy'], rows);
}
