import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { backends, bits, digits, small } from './support/networks.ts';

const rate = 0.5;

/** The gradients of the mean loss of one batch to all parameters. */
function gradientsOf(net: sn.Network, { x, y }: sn.Samples): Map<string, Float64Array> {
  const parameters = net.parameters();
  const keys = [...parameters.keys()];
  const loss = (...values: sn.Variable[]): sn.Operand => {
    const given = new Map(keys.map((key, i) => [key, values[i] as sn.Operand]));
    return sn.ops.squaredError(net.apply(x, given), y);
  };
  const found = sn.grad(loss, { backend: 'reference' })(...parameters.values());
  return new Map(keys.map((key, i) => [key, found[i]?.data as Float64Array]));
}

describe.each(backends)('gradient clipping on %s', (backend) => {
  const data = digits(12, 9, 'float64');
  const targets = sn.zeros([12, 10], 'float64');
  data.y.data.forEach((label, n) => {
    targets.data[n * 10 + label] = 5;
  });
  const set = { x: data.x, y: targets };
  const settings = {
    ...{ batchSize: 12, loss: sn.losses.squaredError(), optimizer: sn.optimizers.sgd(rate) },
  };

  /** How far one step of gradient descent goes, over the learning rate: the gradients used. */
  async function used(options: sn.FitOptions): Promise<Map<string, Float64Array>> {
    const net = small({ backend, dtype: 'float64' });
    const before = net.parameters();
    await net.fit(set, { ...settings, ...options });
    return new Map(
      [...net.parameters()].map(([key, value]) => [
        key,
        Float64Array.from(value.data, (after, i) => {
          return ((before.get(key)?.data[i] as number) - after) / rate;
        }),
      ]),
    );
  }

  const plain = gradientsOf(small({ backend: 'reference', dtype: 'float64' }), set);
  const all = (gradients: Map<string, Float64Array>): number[] =>
    [...gradients.values()].flatMap((values) => [...values]);
  const norm = (values: readonly number[]): number => Math.hypot(...values);

  function close(found: Map<string, Float64Array>, expected: (value: number) => number): void {
    for (const [key, values] of plain) {
      values.forEach((value, i) => {
        expect(Math.abs((found.get(key)?.[i] as number) - expected(value)), key).toBeLessThan(
          1e-13,
        );
      });
    }
  }

  it('limits the norm of all gradients together', async () => {
    const total = norm(all(plain));
    const limit = total / 3;
    const found = await used({ clipNorm: limit });
    close(found, (value) => value * (limit / (total + 1e-6)));
    expect(norm(all(found)) / limit).toBeCloseTo(1, 4);
  });

  it('leaves gradients within the limits as they are', async () => {
    const found = await used({ clipNorm: 2 * norm(all(plain)), clipValue: 1e3 });
    close(found, (value) => value);
  });

  it('limits every entry', async () => {
    const limit = Math.max(...all(plain).map(Math.abs)) / 10;
    const found = await used({ clipValue: limit });
    close(found, (value) => Math.min(Math.max(value, -limit), limit));
    expect(all(found).filter((value) => Math.abs(Math.abs(value) - limit) < 1e-12)).not.toEqual([]);
  });

  it('leaves frozen parameters out of the norm', async () => {
    const rest = new Map([...plain].filter(([key]) => key !== '4.weight'));
    const limit = norm(all(rest)) * 1.001;
    expect(norm(all(plain))).toBeGreaterThan(limit);
    const found = await used({ clipNorm: limit, frozen: ['4.weight'] });
    expect(norm(all(found)) / norm(all(rest))).toBeCloseTo(1, 6);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '1'])('refuses %s', async (limit) => {
    const net = small({ backend });
    const before = bits(net.parameters());
    for (const options of [{ clipNorm: limit }, { clipValue: limit }]) {
      await expect(net.fit(set, options as sn.FitOptions)).rejects.toMatchObject({
        code: 'ERR_ARGUMENT',
      });
    }
    expect(bits(net.parameters())).toBe(before);
  });
});
