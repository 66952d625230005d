import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { backends, bits } from './support/networks.ts';

function network(backend: sn.BackendName): sn.Network {
  return sn.sequential({
    ...{ inputShape: [4], backend, seed: 2 },
    layers: [
      sn.layers.dense({ units: 5, activation: 'relu' }),
      sn.layers.residual({ layers: [sn.layers.dense({ units: 5 }), sn.layers.batchNorm()] }),
      sn.layers.dense({ units: 3, name: 'head' }),
    ],
  });
}

const classes = sn.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2], [12], 'int32');

function images(): sn.Tensor {
  const random = new sn.Generator(3, 'images');
  const x = sn.zeros([12, 4]);
  for (let i = 0; i < x.size; i++) x.data[i] = random.normal();
  return x;
}

/** Sets all values of a parameter. */
function fill(net: sn.Network, key: string, value: number): void {
  const { shape } = net.parameters().get(key) as sn.Tensor;
  net.setParameters(new Map([[key, sn.full(shape, value)]]));
}

type Found = Error & { code: string; step: number; epoch: number; layer: string | null };

async function failure(training: Promise<unknown>): Promise<Found> {
  const error = await training.then(
    () => null,
    (thrown: Found) => thrown,
  );
  expect(error).toMatchObject({ name: 'StridenetError', code: 'ERR_NON_FINITE' });
  return error as Found;
}

describe.each(backends)('a loss that is not finite on %s', (backend) => {
  const optimizer = sn.optimizers.sgd(0.01);
  const data = { x: images(), y: classes };

  it.each([
    ['0.weight', '0 (dense)'],
    ['1.body.0.weight', '1 (residual)/body.0 (dense)'],
    ['head.weight', "2 (dense 'head')"],
  ])('names the first layer that gives no numbers: %s', async (key, layer) => {
    const net = network(backend);
    fill(net, '0.bias', 1e3);
    fill(net, key, 3e38);
    const before = bits(net.parameters());
    const error = await failure(net.fit(data, { batchSize: 4, optimizer }));
    expect(error.message).toContain(`the output of layer ${layer} is the first that is not finite`);
    expect(error).toMatchObject({ step: 1, epoch: 1, layer });
    expect(error.message).toContain('step 1 (epoch 1)');
    expect(bits(net.parameters())).toBe(before);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'names parameters that are none: %s',
    async (value) => {
      const net = network(backend);
      fill(net, '1.body.0.bias', value);
      const error = await failure(net.fit(data, { batchSize: 4, optimizer }));
      expect(error.message).toContain("the parameters '1.body.0.bias' are not finite already");
      expect(error.layer).toBeNull();
    },
  );

  it('tells of data and of targets', async () => {
    const x = images();
    x.data[17] = Number.NaN;
    const wrong = await failure(
      network(backend).fit({ x, y: classes }, { batchSize: 12, optimizer }),
    );
    expect(wrong.message).toContain('the data of its batch are not finite');
    const y = sn.full([12, 3], 1);
    y.data[5] = Number.POSITIVE_INFINITY;
    const loss = sn.losses.squaredError();
    const targets = await failure(network(backend).fit({ x: images(), y }, { loss, optimizer }));
    expect(targets.message).toContain('the targets of its batch are not finite');
  });

  it('tells of a loss whose output is finite', async () => {
    const y = sn.full([12, 3], 3e38);
    const loss = sn.losses.squaredError();
    const error = await failure(network(backend).fit({ x: images(), y }, { loss, optimizer }));
    expect(error.message).toMatch(/the output of '\w+' behind the layers is the first/);
    expect(error.layer).toBeNull();
  });

  it.each([1, 3])(
    'names the step and the epoch of many, by steps of %d batches',
    async (accumulate) => {
      const net = network(backend);
      const after: string[] = [bits(net.parameters())];
      const options = { batchSize: 2, epochs: 50, accumulate, optimizer: sn.optimizers.sgd(1e30) };
      let step = 0;
      const watch = async (): Promise<void> => {
        for await (const event of net.train(data, options)) {
          step = event.step;
          after.push(bits(net.parameters()));
        }
      };
      const error = await failure(watch());
      const perEpoch = 6 / accumulate;
      expect(error.step).toBe(step + 1);
      expect(error.epoch).toBe(Math.floor(step / perEpoch) + 1);
      expect(error.message).toContain(`step ${step + 1} (epoch ${error.epoch})`);
      expect(error.message).toMatch(/: the (output of|parameters) .* not finite/);
      const again = network(backend);
      const whole = await failure(again.fit(data, options));
      expect(whole.message).toBe(error.message);
    },
  );

  it('lets the network go on', async () => {
    const net = network(backend);
    const x = images();
    x.data.fill(3e38);
    await failure(net.fit({ x, y: classes }, { optimizer }));
    const history = await net.fit(data, { optimizer });
    expect(history.epochs[0]?.loss).toBeLessThan(10);
  });
});
