import { describe, expect, it, vi } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import * as sn from '../lib/index.ts';
import { affordableBatch } from '../lib/train/evaluator.ts';
import { backends } from './support/networks.ts';

/** What the outputs of all layers of one sample take. */
function activationBytes(net: sn.Network): number {
  return net.layers().reduce((sum, layer) => sum + layer.activationBytes, 0);
}

describe('networks of large images', () => {
  it('take as many samples at a time as fit in 1 GB, small ones as many as were asked for', () => {
    const large = sn.models.resnet18();
    const batch = affordableBatch(large.architecture, 1000);
    expect(batch * activationBytes(large)).toBeLessThanOrEqual(2 ** 30);
    expect((batch + 1) * activationBytes(large)).toBeGreaterThan(2 ** 30);
    expect(affordableBatch(large.architecture, 7)).toBe(7);
    expect(affordableBatch(sn.models.mnist().architecture, 1000)).toBe(1000);
    const huge = sn.models.resnet18({ inputShape: [3, 4096, 4096] });
    expect(affordableBatch(huge.architecture, 1000)).toBe(1);
  });

  it.skipIf(!backends.includes('native'))(
    'predict and are evaluated a few samples at a time, with the same bits',
    async () => {
      const net = sn.sequential({
        inputShape: [1, 64, 64],
        layers: [
          sn.layers.conv2d({ filters: 500, kernelSize: 3, padding: 1 }),
          sn.layers.globalAvgPool2d(),
          sn.layers.dense({ units: 3 }),
        ],
        seed: 1,
      });
      const count = 140;
      const random = new sn.Generator(1);
      const x = sn.zeros([count, 1, 64, 64]);
      for (let i = 0; i < x.size; i++) x.data[i] = random.normal();
      const y = sn.zeros([count], 'int32');
      const prepare = vi.spyOn(backendOf('native'), 'prepare');
      try {
        const found = await net.predict(x);
        const { loss } = await net.evaluate({ x, y });
        const batches = prepare.mock.calls.map(([{ batch }]) => batch);
        expect(batches).toEqual([131, 131]);
        const whole = await net.evaluate({ x, y }, { batchSize: count });
        expect(Math.abs(loss - whole.loss)).toBeLessThanOrEqual(1e-6 * whole.loss);
        const last = await net.predict(sn.data.slice({ x, y }, count - 1, count).x);
        expect([...last.data]).toEqual([...found.data.slice(-3)]);
      } finally {
        prepare.mockRestore();
      }
    },
  );
});
