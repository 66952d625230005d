import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { digits, small } from './support/networks.ts';

const samples = digits(20, 2);

/** A source that gives nothing, and never ends. */
const silent = sn.data.from(async function* (): AsyncGenerator<sn.data.Sample> {
  yield await new Promise<never>(() => undefined);
});

/** A source that gives one sample, and then nothing. */
const single = sn.data.from(async function* (): AsyncGenerator<sn.data.Sample> {
  yield* sn.data.from(samples).take(1);
  await new Promise(() => undefined);
});

async function lastOf(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}

/** What waits for a first sample, until `signal` fires or the network is disposed of. */
const waits: Record<string, (net: sn.Network, signal?: AbortSignal) => Promise<unknown>> = {
  fit: (net, signal) => net.fit(silent, signal ? { signal } : {}),
  train: (net, signal) => lastOf(net.train(silent, signal ? { signal } : {})),
  evaluate: (net, signal) => net.evaluate(silent, signal ? { signal } : {}),
  validation: (net, signal) =>
    net.fit(samples, { validationData: silent, ...(signal ? { signal } : {}) }),
  'validation, of streamed training': (net, signal) =>
    net.fit(single, { validationData: silent, ...(signal ? { signal } : {}) }),
};

describe.each(Object.entries(waits))('who waits for a first sample: %s', (_, wait) => {
  it('ends when its signal fires, and leaves the network as it was', async () => {
    const net = small();
    const controller = new AbortController();
    const ended = expect(wait(net, controller.signal)).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      cause: 'enough',
    });
    setTimeout(() => controller.abort('enough'), 20);
    await ended;
    expect((await net.fit(samples)).epochs).toHaveLength(1);
  });

  it('ends when the network is disposed of', async () => {
    const net = small();
    const ended = expect(wait(net)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    setTimeout(() => net.dispose(), 20);
    await ended;
  });
});
