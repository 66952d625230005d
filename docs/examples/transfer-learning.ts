// Trains on the digits 0 to 4, keeps the weights, and learns 5 to 9 from 25 images with them.
// Run: node --import tsx docs/examples/transfer-learning.ts (in the npm package, import from 'stridenet')
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sn from '../../lib/index.ts';

const { layers } = sn;
const { train, test } = await sn.data.mnist();

/** The images of five digits from `first` on, at most `most` of them, with labels 0 to 4. */
function digits(data: sn.Samples, first: number, most = Number.POSITIVE_INFINITY): sn.Samples {
  const labels = Array.from(data.y.data);
  const indices = labels.flatMap((label, i) => (label >= first && label < first + 5 ? [i] : []));
  const { x, y } = sn.data.select(data, indices.slice(0, most));
  return {
    x,
    y: sn.tensor(
      Array.from(y.data, (label) => label - first),
      y.shape,
      'int32',
    ),
  };
}

function network(head: string): sn.Network {
  return sn.sequential({
    inputShape: [1, 28, 28],
    layers: [
      layers.sequential({
        name: 'backbone',
        layers: [
          layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu' }),
          layers.maxPool2d({ kernelSize: 2 }),
          layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu' }),
          layers.maxPool2d({ kernelSize: 2 }),
          layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
          layers.flatten(),
        ],
      }),
      layers.dense({ units: 5, activation: 'softmax', name: head }),
    ],
    seed: 1,
  });
}

const optimizer = sn.optimizers.adam(0.002);
const file = join(tmpdir(), 'low-digits.safetensors');
const first = network('low');
await first.fit(digits(train, 0), { epochs: 1, batchSize: 100, optimizer });
await first.saveWeights(file);

const few = digits(train, 5, 25);
const unseen = digits(test, 5);
const accuracy = async (net: sn.Network): Promise<string> =>
  `${(100 * ((await net.evaluate(unseen)).accuracy ?? 0)).toFixed(1)} %`;

const fresh = network('high');
await fresh.fit(few, { epochs: 30, batchSize: 5, optimizer });
console.log('from nothing:', await accuracy(fresh));

const second = network('high');
const { loaded, ignored } = await second.loadWeights(file, { only: ['backbone'] });
console.log(`loaded ${loaded.join(' ')}, passed over ${ignored.join(' ')}`);
await second.fit(few, { epochs: 30, batchSize: 5, optimizer, frozen: ['backbone'] });
console.log('the head trained:', await accuracy(second));

await second.fit(few, { epochs: 10, batchSize: 5, optimizer, rates: { backbone: 0.1 } });
console.log('and all of it a little:', await accuracy(second));
