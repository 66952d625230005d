import * as sn from '../lib/index.ts';
import type { Level } from './layers.ts';
import { images, type Subject, subjectOf } from './networks.ts';
import type { SuiteOptions } from './options.ts';
import { pairedRatio, type Ratio, type Summary, summarize } from './statistics.ts';
import { formatNumber } from './table.ts';

/** What a step takes with one way to give it its samples. */
export interface AugmentationResult {
  readonly network: string;
  /** Where samples are, and what is done to them. */
  readonly title: string;
  /** Seconds of a step. */
  readonly seconds: Summary;
  /** Over the first one of its network: in memory, without augmentation. */
  readonly ratio: Ratio;
}

const { flipHorizontal, padCrop, shift, rotate, brightness, contrast, cutout, mixup } =
  sn.augmentations;

const shallow = [flipHorizontal(), padCrop({ padding: 4 })];
const deep = [
  flipHorizontal(),
  shift({ x: 3, y: 3 }),
  rotate({ degrees: 15 }),
  brightness({ amount: 0.2 }),
  contrast({ amount: 0.2 }),
  cutout({ size: 8 }),
];

const lists: readonly (readonly [string, readonly sn.Augmentation[]])[] = [
  ['without augmentation', []],
  ['flip, padCrop', shallow],
  ['flip, shift, rotate, brightness, contrast, cutout', deep],
  ['mixup', [mixup()]],
];

const networks: readonly (readonly [string, Level])[] = [
  ['lenet5', 0],
  ['convolutions', 1],
  ['mnist', 1],
  ['resnet18-32', 2],
];

/** Steps of an epoch. */
const steps = 8;

interface Way {
  readonly title: string;
  readonly data: sn.data.TrainingData;
  readonly augmentation: readonly sn.Augmentation[];
  readonly net: sn.Network;
  /** Seconds of a step in each epoch, round by round. */
  readonly rounds: number[][];
}

/** The same samples in memory, and read one by one in the background. */
function waysOf(subject: Subject, threads: number): Way[] {
  const data = images(steps * subject.batch, subject);
  const places: readonly (readonly [string, sn.data.TrainingData])[] = [
    ['in memory', data],
    ['streamed', sn.data.from(data).map((sample) => sample)],
  ];
  return places.flatMap(([place, given]) =>
    lists.map(([list, augmentation]) => ({
      ...{ title: `${place}, ${list}`, data: given, augmentation, rounds: [] },
      net: subject.build({ threads, seed: 1 }),
    })),
  );
}

/** Epochs of one fit without the first, which compiles. */
async function turn({ net, data, augmentation }: Way, subject: Subject, epochs: number) {
  const times: number[] = [];
  let before = 0;
  const onEpoch = (): void => {
    const now = performance.now();
    if (before > 0) times.push((now - before) / 1000 / steps);
    before = now;
  };
  await net.fit(data, {
    ...{ epochs: epochs + 1, batchSize: subject.batch, optimizer: subject.optimizer() },
    ...{ augmentation, callbacks: { onEpoch } },
  });
  return times;
}

async function measureNetwork(
  network: string,
  { threads, seconds }: SuiteOptions,
  rounds: number,
): Promise<AugmentationResult[]> {
  const subject = subjectOf(network);
  const ways = waysOf(subject, threads);
  const [first] = ways as [Way];
  const once = Math.min(...(await turn(first, subject, 2)));
  const epochs = Math.max(1, Math.round(seconds / rounds / (steps * once)));
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) way.rounds.push(await turn(way, subject, epochs));
  }
  return ways.map(({ title, rounds: times }) => ({
    ...{ network, title, seconds: summarize(times.flat()) },
    ratio: pairedRatio(first.rounds, times),
  }));
}

/** Steps of training with data in memory and streamed, with augmentation and without, in turns. */
export async function measureAugmentation(
  options: SuiteOptions & { readonly level: Level; readonly only: string },
  onTask: (task: string) => void,
): Promise<AugmentationResult[]> {
  const results: AugmentationResult[] = [];
  for (const [network, level] of networks) {
    if (level > options.level || !network.includes(options.only)) continue;
    onTask(network);
    results.push(...(await measureNetwork(network, options, options.level === 0 ? 3 : 7)));
  }
  return results;
}

/**
 * Milliseconds of a step, and what it takes more than the first of its network: the median of the
 * rounds, the least and the greatest; then the same of the fastest epoch of all rounds, which
 * another load of the machine disturbs least.
 */
export function augmentationTable(results: readonly AugmentationResult[]): {
  header: string[];
  body: string[][];
} {
  const percent = (ratio: number): string => `${(100 * (ratio - 1)).toFixed(1)} %`;
  return {
    header: ['samples', 'ms a step', 'more', 'least', 'most', 'fastest', 'more'],
    body: results.map(({ network, title, seconds, ratio }) => {
      const { batch } = subjectOf(network);
      const first = results.find((other) => other.network === network) as AugmentationResult;
      return [
        `${network}, batch ${batch}, ${title}`,
        formatNumber(1000 * seconds.median),
        ...[ratio.median, ratio.low, ratio.high].map(percent),
        formatNumber(1000 * seconds.fastest),
        percent(seconds.fastest / first.seconds.fastest),
      ];
    }),
  };
}
