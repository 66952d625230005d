import type { Row } from './compare.ts';
import { convRows, type Level } from './layers.ts';
import { subjectOf } from './networks.ts';
import type { GemmTask, NetworkTask, Task } from './tasks.ts';
import { workOf } from './work.ts';

/** A row before its work is counted. */
interface Plan {
  readonly title: string;
  readonly level: Level;
  readonly task: Task;
  /** Where they are not those of the whole run. */
  readonly threads?: number;
}

function gemm(
  [m, n, k]: readonly [number, number, number],
  level: Level,
  what = '',
  dtype: GemmTask['dtype'] = 'float32',
): Plan {
  const shape = m === n && n === k ? `${m}³` : `${m} x ${n} x ${k}`;
  const title = [shape, dtype === 'float64' ? 'float64' : '', what].filter(Boolean).join(' ');
  return { title, level, task: { kind: 'gemm', m, n, k, dtype } };
}

const cubes = [256, 384, 512, 768, 1024, 1536, 2048];

/** Products of M x N x K: squares, what convolutions and dense layers make of theirs, skinny ones. */
function gemmPlans(): Plan[] {
  const levelOf = (size: number): Level =>
    size === 1024 ? 0 : [256, 512, 2048].includes(size) ? 1 : 2;
  return [
    ...cubes.map((size) => gemm([size, size, size], levelOf(size))),
    ...cubes.map((size) => gemm([size, size, size], levelOf(size) === 0 ? 1 : 2, '', 'float64')),
    gemm([12544, 64, 147], 1, '(7x7 of 3 channels)'),
    gemm([3136, 64, 576], 1, '(3x3, 64 at 56)'),
    gemm([3136, 256, 64], 2, '(1x1, 64 to 256 at 56)'),
    gemm([784, 128, 1152], 2, '(3x3, 128 at 28)'),
    gemm([196, 256, 2304], 2, '(3x3, 256 at 14)'),
    gemm([49, 512, 4608], 1, '(3x3, 512 at 7)'),
    gemm([576, 64, 25088], 1, '(filter gradient, 3x3, 64 at 56, batch 8)'),
    gemm([4608, 512, 392], 2, '(filter gradient, 3x3, 512 at 7, batch 8)'),
    gemm([1000, 100, 5408], 0, '(dense 5408 to 100, batch 1000)'),
    gemm([100, 5408, 1000], 1, '(its weight gradient)'),
    gemm([1000, 5408, 100], 2, '(its input gradient)'),
    gemm([1000, 10, 100], 1, '(dense 100 to 10, batch 1000)'),
    gemm([64, 1000, 512], 1, '(dense 512 to 1000, batch 64)'),
    gemm([512, 512, 16], 1),
    gemm([512, 16, 512], 1),
    gemm([16, 512, 512], 1),
    gemm([1, 4096, 4096], 1),
    gemm([4096, 4096, 32], 2),
    gemm([64, 64, 64], 1),
    gemm([32, 32, 32], 2),
  ];
}

function network(
  kind: NetworkTask['kind'],
  name: string,
  level: Level,
  {
    batch = subjectOf(name).batch,
    size,
    threads,
  }: { batch?: number; size?: number; threads?: number } = {},
): Plan {
  const at = size === undefined ? '' : ` at ${size}`;
  const on = threads === undefined ? '' : `, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return {
    title: `${kind === 'train' ? 'train' : 'infer'} ${name}${at}, batch ${batch}${on}`,
    level,
    task: { kind, network: name, batch, ...(size === undefined ? {} : { size }) },
    ...(threads === undefined ? {} : { threads }),
  };
}

const train = (...rest: [string, Level, { batch?: number }?]): Plan => network('train', ...rest);
const infer = (name: string, level: Level, batch: number): Plan =>
  network('infer', name, level, { batch });

function scalingPlans(threads: number): Plan[] {
  const counts = [...new Set([1, 2, 4, 8, 16, 32].filter((each) => each < threads)), threads];
  const levelOf = (index: number, ...byIndex: Level[]): Level => byIndex[index] ?? 2;
  return [
    ...['mnist', 'resnet18-32'].flatMap((name, i) =>
      counts.map((count) => network('train', name, levelOf(i, 0, 1), { threads: count })),
    ),
    ...counts.map((count) => network('infer', 'mnist', 1, { batch: 1000, threads: count })),
    ...[1, 10, 100, 1000].flatMap((batch) => [
      network('train', 'mnist', 1, { batch }),
      network('infer', 'mnist', 1, { batch }),
    ]),
    ...[64, 128, 224, 320].map((size, i) =>
      network('infer', 'resnet18', levelOf(i, 1, 1, 1), { batch: 1, size }),
    ),
    ...[32, 48, 64].map((size) => network('train', 'resnet18-32', 2, { batch: 16, size })),
  ];
}

/** The suites that hold rows against peers, by name. */
export const plans: Readonly<Record<string, (threads: number) => readonly Plan[]>> = {
  gemm: gemmPlans,
  conv: convRows,
  train: () => [
    train('mnist', 0),
    train('lenet5', 1),
    train('convolutions', 1),
    train('resnet18-32', 1),
    ...['resnet18', 'resnet50', 'mobilenetV2', 'alexnet', 'vgg16'].map((name) => train(name, 2)),
  ],
  infer: () => [
    infer('mnist', 0, 1000),
    infer('mnist', 0, 1),
    infer('lenet5', 1, 1),
    infer('convolutions', 2, 1),
    infer('convolutions', 1, 128),
    infer('resnet18-32', 1, 1),
    infer('resnet18-32', 2, 64),
    infer('resnet18', 1, 1),
    infer('resnet18', 2, 8),
    infer('resnet50', 2, 1),
    infer('mobilenetV2', 1, 1),
    infer('mobilenetV2', 2, 8),
    infer('alexnet', 2, 1),
    infer('vgg16', 2, 1),
  ],
  scaling: scalingPlans,
};

/** The row of a plan. */
export function rowOf({ title, task, threads }: Plan): Row {
  const work = workOf(task);
  const on = threads === undefined ? {} : { threads };
  return task.kind === 'gemm' || task.kind === 'conv'
    ? { title, task, work, unit: 'GFLOP/s', amount: work.flops / 1e9, ...on }
    : { title, task, work, unit: 'images/s', amount: task.batch, ...on };
}
