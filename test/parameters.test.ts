import { expect, it } from 'vitest';
import * as sn from '../lib/index.ts';

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
