// Trains on Fashion-MNIST to above 92.5 % in some two and a half minutes on two cores.
// Run: node --import tsx docs/examples/fashion-mnist.ts [epochs] [images] (in the npm package, import from 'stridenet')
import * as sn from '../../lib/index.ts';

const [epochs = '6', images = '60000'] = process.argv.slice(2);
const { train, test } = await sn.data.fashionMnist();
const data = sn.data.slice(train, 0, Number(images));

const block = (filters: number) => [
  sn.layers.conv2d({ filters, kernelSize: 3, padding: 'same', bias: false }),
  sn.layers.batchNorm({ activation: 'relu' }),
  sn.layers.conv2d({ filters, kernelSize: 3, padding: 'same', bias: false }),
  sn.layers.batchNorm({ activation: 'relu' }),
  sn.layers.maxPool2d({ kernelSize: 2 }),
];
const net = sn.sequential({
  inputShape: [1, 28, 28],
  layers: [
    sn.layers.normalization(await sn.data.statistics(data)),
    ...block(32),
    ...block(64),
    sn.layers.flatten(),
    sn.layers.dropout({ rate: 0.3 }),
    sn.layers.dense({ units: 10, activation: 'softmax' }),
  ],
  seed: 1,
});

const start = performance.now();
await net.fit(data, {
  epochs: Number(epochs),
  batchSize: 64,
  optimizer: sn.optimizers.adam(0.004),
  schedule: sn.schedules.oneCycle(),
  augmentation: [sn.augmentations.flipHorizontal()],
  verbose: true,
});
const seconds = (performance.now() - start) / 1000;
const { accuracy = 0 } = await net.evaluate(test);
console.log(`test accuracy ${(100 * accuracy).toFixed(2)} % after ${seconds.toFixed(0)} s`);
