// Trains on MNIST, tests, saves, loads and predicts.
// Run: node --import tsx docs/examples/train-mnist.ts (in the npm package, import from 'stridenet')
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sn from '../../lib/index.ts';

const { train, test } = await sn.data.mnist();
const net = sn.sequential({
  inputShape: [1, 28, 28],
  layers: [
    sn.layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu' }),
    sn.layers.maxPool2d({ kernelSize: 2 }),
    sn.layers.flatten(),
    sn.layers.dense({ units: 10, activation: 'softmax' }),
  ],
  seed: 1,
});
const adam = sn.optimizers.adam(0.002);
await net.fit(train, { epochs: 2, batchSize: 250, optimizer: adam, verbose: true });
console.log(await net.evaluate(test));

const file = join(tmpdir(), 'digits.safetensors');
await net.save(file);
const probabilities = await (await sn.load(file)).predict(sn.data.slice(test, 0, 1).x);
console.log(probabilities.toArray(), 'label', test.y.data[0]);
