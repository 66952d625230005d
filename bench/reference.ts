import * as sn from '../lib/index.ts';
import { type Conv2dOptions, conv2dAttributes } from '../lib/ops/conv2d.ts';
import { operators } from '../lib/ops/index.ts';
import { need } from '../lib/ops/operator.ts';
import { referenceKernels } from '../lib/reference/index.ts';
import { type OperatorCall, operatorProgram, randomTensor } from './operatorProgram.ts';
import type { SuiteOptions } from './options.ts';
import { measureRates } from './statistics.ts';
import { formatTable } from './table.ts';

/** A call whose native rate is compared with that of the reference loops. */
interface Comparison extends OperatorCall {
  readonly title: string;
}

/** The best rates of both, in operations (two a multiply-add) a second. */
export interface ReferenceRatio {
  readonly task: string;
  readonly megaflop: number;
  readonly nativeGflops: number;
  readonly referenceGflops: number;
  readonly ratio: number;
}

/** A convolution and its two gradients. */
function convolution(
  name: string,
  [n, c, h, w]: readonly [number, number, number, number],
  [k, r, s]: readonly [number, number, number],
  options: Conv2dOptions = {},
): Comparison[] {
  const attributes = conv2dAttributes('bench', options, [h, w], [r, s]);
  const x = [n, c, h, w];
  const weight = [k, c / attributes.groups, r, s];
  const y = operators
    .get('conv2d')
    ?.infer([{ shape: x, dtype: 'float32' }, { shape: weight, dtype: 'float32' }, null], attributes)
    .at(0)?.shape as readonly number[];
  return [
    { title: name, operator: 'conv2d', inputs: [x, weight, [k]], attributes },
    {
      title: name,
      operator: 'conv2dInputGradient',
      inputs: [y, weight],
      attributes: { ...attributes, inputSize: [h, w] },
    },
    {
      title: name,
      operator: 'conv2dFilterGradient',
      inputs: [x, y],
      attributes: { ...attributes, kernelSize: [r, s] },
    },
  ];
}

function dense(samples: number, inputs: number, outputs: number): Comparison[] {
  const [x, weight, dy] = [
    [samples, inputs],
    [outputs, inputs],
    [samples, outputs],
  ] as const;
  const title = `dense ${samples} x ${inputs} → ${outputs}`;
  return [
    { title, operator: 'linear', inputs: [x, weight, [outputs]], attributes: {} },
    {
      title,
      operator: 'linearInputGradient',
      inputs: [dy, weight],
      attributes: { inputShape: [inputs] },
    },
    { title, operator: 'linearWeightGradient', inputs: [x, dy], attributes: {} },
  ];
}

function product(transposeA: boolean, transposeB: boolean): Comparison {
  return {
    title: `384³${transposeA ? ', A transposed' : ''}${transposeB ? ', B transposed' : ''}`,
    operator: 'matmul',
    inputs: [
      [384, 384],
      [384, 384],
    ],
    attributes: { transposeA, transposeB },
  };
}

const comparisons: readonly Comparison[] = [
  ...convolution('1x1, 64 → 64', [4, 64, 28, 28], [64, 1, 1]),
  ...convolution('3x3, 1 → 32, MNIST', [64, 1, 28, 28], [32, 3, 3]),
  ...convolution('3x3, 64 → 64', [1, 64, 28, 28], [64, 3, 3], { padding: 1 }),
  ...convolution('5x5, 32 → 32', [1, 32, 28, 28], [32, 5, 5], { padding: 2 }),
  ...convolution('7x7 stride 2, 3 → 64', [1, 3, 112, 112], [64, 7, 7], { stride: 2, padding: 3 }),
  ...convolution('3x3 stride 2, 32 → 64', [2, 32, 56, 56], [64, 3, 3], { stride: 2, padding: 1 }),
  ...convolution('3x3 dilation 2, 32 → 32', [2, 32, 28, 28], [32, 3, 3], {
    dilation: 2,
    padding: 2,
  }),
  ...convolution('3x3 true, 32 → 32', [2, 32, 28, 28], [32, 3, 3], {
    flipKernel: true,
    padding: 1,
  }),
  ...convolution('3x3 depthwise, 256', [4, 256, 28, 28], [256, 3, 3], { groups: 256, padding: 1 }),
  ...convolution('3x3 stride 2 depthwise, 256', [12, 256, 28, 28], [256, 3, 3], {
    groups: 256,
    padding: 1,
    stride: 2,
  }),
  ...convolution('5x5 depthwise, 128', [4, 128, 28, 28], [128, 5, 5], { groups: 128, padding: 2 }),
  ...convolution('3x3 depthwise, 64 → 128', [8, 64, 28, 28], [128, 3, 3], {
    groups: 64,
    padding: 1,
  }),
  ...[4, 8, 16, 32].flatMap((width) =>
    convolution(`3x3 in groups of ${width}, 128 → 128`, [2, 128, 28, 28], [128, 3, 3], {
      groups: 128 / width,
      padding: 1,
    }),
  ),
  ...convolution('1-D, 9 taps, 64 → 64', [1, 64, 1, 1024], [64, 1, 9], {
    padding: [
      [0, 0],
      [4, 4],
    ],
  }),
  ...dense(64, 512, 512),
  product(false, false),
  product(true, false),
  product(false, true),
];

/** The most operations a second of the operator alone. */
async function nativeRate(
  comparison: Comparison,
  operations: number,
  { threads, seconds }: SuiteOptions,
): Promise<number> {
  const program = operatorProgram(comparison, threads);
  const steps = Math.max(1, Math.round(1e9 / operations));
  await program.run({ steps, feeds: [] });
  const { all } = await measureRates(
    async () => {
      await program.run({ steps, feeds: [] });
      return steps * operations;
    },
    { seconds },
  );
  program.dispose();
  return Math.max(...all);
}

async function compare(comparison: Comparison, options: SuiteOptions): Promise<ReferenceRatio> {
  const { title, operator: name, attributes } = comparison;
  const operator = need(operators.get(name));
  const reference = need(referenceKernels.get(name));
  const inputs = comparison.inputs.map((shape, i) => randomTensor(shape, i + 1));
  const outputs = operator
    .infer(inputs, attributes)
    .map(({ shape, dtype }) => sn.zeros(shape, dtype));
  const operations = 2 * (operator.multiplyAdds?.(inputs, outputs, attributes) ?? 0);
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    reference(inputs, outputs, attributes);
    times.push(performance.now() - start);
  }
  const native = await nativeRate(comparison, operations, options);
  const loops = (operations * 1000) / Math.min(...times);
  return {
    task: `${name}  ${title}`,
    megaflop: operations / 1e6,
    nativeGflops: native / 1e9,
    referenceGflops: loops / 1e9,
    ratio: native / loops,
  };
}

/** Native against the reference on convolutions, dense layers and products above 10 MFLOP. */
export async function compareWithReference(
  options: SuiteOptions,
  onTask: (task: string) => void,
): Promise<ReferenceRatio[]> {
  const ratios: ReferenceRatio[] = [];
  const each = { ...options, seconds: options.seconds / 20 };
  for (const comparison of comparisons) {
    onTask(`${comparison.operator} ${comparison.title}`);
    ratios.push(await compare(comparison, each));
  }
  return ratios;
}

/** One line a comparison. */
export function formatRatios(ratios: readonly ReferenceRatio[]): string {
  return formatTable(
    ['operator and case', 'MFLOP', 'native GFLOP/s', 'reference', 'ratio'],
    ratios.map(({ task, megaflop, nativeGflops, referenceGflops, ratio }) => [
      task,
      megaflop.toFixed(1),
      nativeGflops.toFixed(1),
      referenceGflops.toFixed(2),
      `${ratio.toFixed(0)} x`,
    ]),
  );
}
