import { afterEach, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { backends, bits } from './support/networks.ts';
import { softsign, softsignParts, thrownBy } from './support/ownOperators.ts';

const { ops, defineOperator } = sn;
const native = backends.includes('native');
const reference = { backend: 'reference' } as const;

afterEach(() => sn.setDefaultBackend('native'));

describe('a batch', () => {
  it.runIf(native)('is refused where a composition loses it', async () => {
    const own = defineOperator({ ...softsignParts, composition: ([v]) => sn.zeros(v.shape) });
    const layer = sn.layers.custom((v) => own(v));
    const net = sn.sequential({ inputShape: [2], layers: [layer], backend: 'native' });
    await expect(net.predict(sn.zeros([3, 2]))).rejects.toMatchObject({
      code: 'ERR_SHAPE',
      message: expect.stringMatching(/composition gives y as .* where infer says .*, batched/),
    });
  });

  const layer = (operator: typeof softsign) =>
    sn.layers.custom((v) => operator(v), { title: 'softsign' });

  it.each(backends)('of any size goes through training and prediction on %s', async (backend) => {
    const values = sn.full([7, 3], 1);
    values.data.forEach((_, i) => {
      values.data[i] = Math.sin(i);
    });
    const data = { x: values, y: sn.tensor(Int32Array.of(0, 1, 0, 1, 1, 0, 1)) };
    const [own, composed] = [softsign, null].map((operator) =>
      sn.sequential({
        ...{ inputShape: [3], backend, seed: 2, dtype: 'float32' },
        layers: [
          sn.layers.dense({ units: 4 }),
          operator ? layer(operator) : sn.layers.custom((v) => ops.div(v, ops.add(ops.abs(v), 1))),
          sn.layers.dense({ units: 2, activation: 'softmax' }),
        ],
      }),
    ) as [sn.Network, sn.Network];
    for (const net of [own, composed]) await net.fit(data, { epochs: 3, batchSize: 4 });
    for (const [key, value] of own.parameters()) {
      const other = composed.parameters().get(key) as sn.Tensor;
      value.data.forEach((entry, i) => {
        expect(Math.abs(entry - (other.data[i] as number))).toBeLessThan(1e-5);
      });
    }
    expect(bits(own.parameters())).not.toBe('');
    expect((await own.predict(values)).shape).toEqual([7, 2]);
  });

  it('is found by the shape rule for one sample more', () => {
    const sizes = defineOperator({
      name: 'sizes',
      inputs: ['a', 'b'],
      outputs: ['samples', 'sum'],
      infer: ([a, b]) => [a, { shape: b.shape, dtype: a.dtype }],
      loops: () => undefined,
    });
    const batched = { shape: [4, 2], dtype: 'float32', batched: true } as const;
    const fixed = { shape: [4, 2], dtype: 'float32' } as const;
    const of = (...specs: readonly sn.Spec[]): (boolean | undefined)[] =>
      sn
        .trace((a, b) => sizes(a as sn.Variable, b as sn.Variable), ...specs)
        .outputs.map((output) => output.batched);
    expect(of(batched, fixed)).toEqual([true, undefined]);
    expect(of(fixed, batched)).toEqual([undefined, true]);
    expect(of(batched, batched)).toEqual([true, true]);
    expect(of(fixed, fixed)).toEqual([undefined, undefined]);
  });

  it('is refused where the shape rule takes no other', () => {
    const own = defineOperator({
      ...softsignParts,
      infer([v]) {
        if (v.shape[0] !== 4) throw new RangeError('not four');
        return [v];
      },
    });
    const spec = { shape: [4, 2], dtype: 'float32', batched: true } as const;
    const error = thrownBy(() => sn.trace((v) => own(v as sn.Variable), spec));
    expect(error.code).toBe('ERR_ARGUMENT');
    expect(error.message).toMatch(/takes 4 samples but .* refuses 5: .*RangeError: not four$/);
  });

  it('whose loops throw in a step leaves the parameters as after the step before', async () => {
    let calls = 0;
    const failing = defineOperator({
      ...softsignParts,
      loops([v], [y]) {
        if (++calls > 3) throw new Error('fourth call');
        y.data.set(v.data);
      },
      gradient: ({ gradients: [dy] }) => [dy],
    });
    const net = sn.sequential({
      ...{ inputShape: [2], ...reference },
      layers: [
        sn.layers.dense({ units: 2 }),
        sn.layers.custom((v) => failing(v), { title: 'failing' }),
      ],
    });
    const data = { x: sn.full([8, 2], 1), y: sn.full([8, 2], 0) };
    const losses: number[] = [];
    const settings = {
      ...{ batchSize: 2, loss: sn.losses.squaredError(), optimizer: sn.optimizers.sgd() },
      callbacks: { onStep: ({ loss }: { loss: number }) => void losses.push(loss) },
    };
    await expect(net.fit(data, settings)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: '[softsign] loops threw Error: fourth call',
    });
    calls = -100;
    const { epochs } = await net.fit(data, { ...settings, epochs: 1 });
    expect(epochs[0]?.loss).toBeGreaterThan(0);
    expect((await net.predict(data.x)).shape).toEqual([8, 2]);
  });

  it.each([
    ['doubled', (n: number) => [2 * n, 2]],
    ['in another place', (n: number) => [2, n]],
    ['at times', (n: number) => [n === 4 ? 9 : n, 2]],
  ])('is refused where an output has it %s', (_, shape) => {
    const own = defineOperator({
      ...softsignParts,
      infer: ([v]) => [{ shape: shape(v.shape[0] as number), dtype: v.dtype }],
    });
    const spec = { shape: [4, 2], dtype: 'float32', batched: true } as const;
    const error = thrownBy(() => sn.trace((v) => own(v as sn.Variable), spec));
    expect(error.code).toBe('ERR_SHAPE');
    expect(error.message).toMatch(/^\[softsign\] infer gives y .* for 4 samples but .* for 5/);
  });

  it('is refused in a step whose outputs are not those that were traced', async () => {
    const own = defineOperator({
      ...softsignParts,
      infer: ([v]) => [{ shape: [Math.min(v.shape[0] as number, 3)], dtype: v.dtype }],
    });
    const graph = sn.trace((v) => own(v as sn.Variable), {
      ...({ shape: [5], dtype: 'float32', batched: true } as const),
    });
    const { backendOf } = await import('../lib/backends/index.ts');
    const program = backendOf('reference').prepare(graph);
    const request = { steps: 1, feeds: [new Float32Array(5)], batch: Int32Array.of(2) };
    const error = thrownBy(() => program.runSync(request));
    expect(error.message).toBe(
      '[softsign] infer gives y (2) in a step but gave (3) when it was traced',
    );
  });
});
