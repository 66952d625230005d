import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { bits, digits, small } from './support/networks.ts';

type Take = (samples: sn.Samples) => sn.data.TrainingData;
const lazily: Take = (samples) => sn.data.from(samples).map((sample) => sample);
const whole: Take = (samples) => samples;

describe('samples in memory are copied before fit or train returns', () => {
  const [training, validation] = [digits(30, 2), digits(20, 3)];
  type Kind = readonly [name: string, training: Take, validation: Take];
  const kinds: readonly Kind[] = [
    ['both in memory', whole, whole],
    ['the others of validation read one by one', whole, lazily],
    ['the others of training read one by one', lazily, whole],
  ];

  /** What comes of a training whose samples in memory the caller clears meanwhile, or not. */
  async function outcome(
    begin: (
      net: sn.Network,
      data: sn.data.TrainingData,
      options: sn.TrainOptions,
    ) => Promise<unknown>,
    [, takeTraining, takeValidation]: Kind,
    clears: boolean,
  ): Promise<unknown> {
    const net = small();
    const copies = [training, validation].map(({ x, y }) => ({ x: x.clone(), y: y.clone() }));
    const [first, second] = copies as [sn.Samples, sn.Samples];
    const options = { validationData: takeValidation(second), batchSize: 7, seed: 4 };
    const done = begin(net, takeTraining(first), options);
    for (const { x } of [
      ...(takeTraining === whole ? [first] : []),
      ...(takeValidation === whole ? [second] : []),
    ]) {
      if (clears) x.data.fill(0);
    }
    return { validation: await done, parameters: bits(net.parameters()) };
  }

  it.each(kinds)('fit: %s', async (...kind) => {
    const fit = async (
      net: sn.Network,
      data: sn.data.TrainingData,
      options: sn.TrainOptions,
    ): Promise<unknown> => (await net.fit(data, options)).epochs[0]?.validation;
    expect(await outcome(fit, kind, true)).toEqual(await outcome(fit, kind, false));
  });

  it.each(kinds)('train: %s', async (...kind) => {
    const train = (
      net: sn.Network,
      data: sn.data.TrainingData,
      options: sn.TrainOptions,
    ): Promise<unknown> => {
      const events = net.train(data, options);
      return (async () => {
        let last: sn.TrainEvent | null = null;
        for await (const event of events) last = event;
        return last?.type === 'epoch' ? last.validation : null;
      })();
    };
    expect(await outcome(train, kind, true)).toEqual(await outcome(train, kind, false));
  });
});
