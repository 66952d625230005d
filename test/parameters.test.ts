import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import type { Tensor } from '../lib/tensor.ts';
import { ParameterStore } from '../lib/train/parameterStore.ts';
import type { Trainer } from '../lib/train/trainer.ts';

/** A dense layer of (2,3) whose weight says how often it is drawn. */
function counted(): { net: sn.Network; drawn: () => number } {
  let draws = 0;
  const initializer = { kind: 'counted', options: {}, draw: () => ++draws };
  const layers = [sn.layers.dense({ units: 2, initializer })];
  return {
    net: sn.sequential({ inputShape: [3], layers, backend: 'reference' }),
    drawn: () => draws,
  };
}

it('are drawn once, when they are first asked for', async () => {
  const { net, drawn } = counted();
  expect(net.summary()).toContain('8');
  expect(drawn()).toBe(0);
  expect(net.parameters().get('0.weight')?.toArray()).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  await net.predict(sn.zeros([1, 3]));
  net.parameters();
  expect(drawn()).toBe(6);
});

it('that are given are not drawn', async () => {
  const { net, drawn } = counted();
  net.setParameters(new Map([['0.weight', sn.full([2, 3], 2)]]));
  const y = await net.predict(sn.full([1, 3], 1));
  expect(y.toArray()).toEqual([[6, 6]]);
  expect(drawn()).toBe(0);
});

describe('the copies of what is trained', () => {
  /** A trainer whose one parameter counts its runs, and the arrays that it was copied to. */
  function counting(): { store: ParameterStore; run: () => Promise<void>; copies: Tensor[] } {
    let runs = 0;
    const copies: Tensor[] = [];
    const trainer = {
      write(changes: ReadonlyMap<string, Tensor>) {
        runs = changes.get('w')?.data[0] ?? runs;
      },
      read(into?: ReadonlyMap<string, Tensor>) {
        const copy = into?.get('w') ?? sn.zeros([1]);
        copy.data[0] = runs;
        copies.push(copy);
        return new Map([['w', copy]]);
      },
    };
    const drawn = new Map([['w', sn.zeros([1])]]);
    const store = new ParameterStore(() => drawn, drawn);
    store.latest;
    store.attach(trainer as unknown as Trainer);
    return { store, run: () => store.running(async () => void runs++), copies };
  }

  it('take the memory of those before, which nobody has', async () => {
    const { store, run, copies } = counting();
    for (let i = 0; i < 3; i++) await run();
    expect(new Set(copies).size).toBe(1);
    expect(store.latest.get('w')?.data[0]).toBe(3);
  });

  it.each([
    ['at once', (store: ParameterStore) => store.latest],
    ['at the next boundary', async (store: ParameterStore) => (await store.settled()).values],
  ])('stay as they are when they were given %s', async (_, ask) => {
    const { store, run } = counting();
    await run();
    const values = await ask(store);
    await run();
    await run();
    expect(values.get('w')?.data[0]).toBe(1);
    expect((await ask(store)).get('w')?.data[0]).toBe(3);
  });

  it('have what was replaced after they were asked for, in the order of asking', async () => {
    const { store } = counting();
    let asked: Promise<{ version: number }> | null = null;
    await store.running(async () => {
      asked = store.settled();
      store.replace(new Map([['w', sn.full([1], 7)]]));
    });
    const { version } = (await asked) as unknown as { version: number };
    expect(store.version).toBeGreaterThan(version);
    store.detach();
    expect(store.latest.get('w')?.data[0]).toBe(7);
  });
});
