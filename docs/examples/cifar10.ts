// A small residual network on CIFAR-10: images mirrored and moved, a schedule, validation, and the
// weights of the best epoch saved. The folder has data_batch_1.bin to data_batch_5.bin and
// test_batch.bin; without one, shapes are drawn in their place.
// Run: node --import tsx docs/examples/cifar10.ts [folder] [epochs] [model] (in the npm package, import from 'stridenet')
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sn from '../../lib/index.ts';

const [folder = '', epochs = '20', model = 'cifar10.safetensors'] = process.argv.slice(2);
const { train, test } = await sn.data.cifar10({ path: folder || drawnFolder() });

const { layers } = sn;
const conv = (filters: number, kernelSize: number, stride = 1) => [
  layers.conv2d({ filters, kernelSize, stride, padding: 'same', bias: false }),
  layers.batchNorm(),
];
const block = (filters: number, stride: number) =>
  layers.residual({
    layers: [...conv(filters, 3, stride), layers.activation('relu'), ...conv(filters, 3)],
    shortcut: stride === 1 ? [] : conv(filters, 1, stride),
    activation: 'relu',
  });
const net = sn.sequential({
  inputShape: [3, 32, 32],
  layers: [
    layers.normalization(await sn.data.statistics(train)),
    ...conv(32, 3),
    layers.activation('relu'),
    block(32, 1),
    block(64, 2),
    block(128, 2),
    layers.globalAvgPool2d(),
    layers.dense({ units: 10, activation: 'softmax' }),
  ],
  seed: 1,
});

const { earlyStopping } = await net.fit(train, {
  epochs: Number(epochs),
  batchSize: 64,
  seed: 1,
  optimizer: sn.optimizers.sgd({
    learningRate: 0.1,
    momentum: 0.9,
    nesterov: true,
    weightDecay: 5e-4,
  }),
  schedule: sn.schedules.warmUp({ epochs: 1, next: sn.schedules.cosine() }),
  augmentation: [sn.augmentations.flipHorizontal(), sn.augmentations.padCrop({ padding: 4 })],
  validationSplit: 0.1,
  earlyStopping: { monitor: 'validation.accuracy', patience: 5 },
  verbose: true,
});
// The network has the weights of the best epoch now.
await net.save(model);
const { accuracy = 0 } = await net.evaluate(test);
console.log(`epoch ${earlyStopping?.bestEpoch} was the best and is saved as ${model}`);
console.log(`test accuracy ${(100 * accuracy).toFixed(2)} %`);

/** A folder as CIFAR-10's, of 2000 drawn images to train on and 400 to test with. */
function drawnFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'cifar10-'));
  const random = new sn.Generator(1);
  for (const name of [1, 2, 3, 4, 5].map((i) => `data_batch_${i}`).concat('test_batch')) {
    writeFileSync(join(path, `${name}.bin`), drawnRecords(400, random));
  }
  console.log(`no folder was given: ${path} has drawn shapes in the form of CIFAR-10`);
  return path;
}

/** Ten shapes of any place, size and colours: a byte of the class, then planes R, G and B. */
function drawnRecords(count: number, random: sn.Generator): Uint8Array {
  // Whether a shape covers a point, both coordinates from -1 to 1.
  const shapes: readonly ((x: number, y: number) => boolean)[] = [
    (x, y) => Math.hypot(x, y) < 1, // disc
    (x, y) => Math.abs(Math.hypot(x, y) - 0.8) < 0.2, // ring
    () => true, // square
    (x, y) => Math.max(Math.abs(x), Math.abs(y)) > 0.6, // frame
    (x, y) => Math.min(Math.abs(x), Math.abs(y)) < 0.25, // plus
    (x, y) => Math.abs(Math.abs(x) - Math.abs(y)) < 0.35, // cross
    (x, y) => Math.abs(x) + Math.abs(y) < 1, // diamond
    (x, y) => Math.abs(x) < (y + 1) / 2, // triangle
    (_, y) => Math.cos(8 * y) > 0, // rows
    (x) => Math.cos(8 * x) > 0, // columns
  ];
  const records = new Uint8Array(count * 3073);
  for (let n = 0, at = 0; n < count; n++) {
    const covers = shapes[n % 10] as (typeof shapes)[number];
    const radius = 8 + 6 * random.uniform();
    const left = (32 - 2 * radius) * random.uniform();
    const top = (32 - 2 * radius) * random.uniform();
    records[at++] = n % 10;
    for (let plane = 0; plane < 3; plane++) {
      const ground = 256 * random.uniform();
      const paint = (ground + 64 + 128 * random.uniform()) % 256;
      for (let i = 0; i < 1024; i++) {
        const x = ((i % 32) - left) / radius - 1;
        const y = (Math.floor(i / 32) - top) / radius - 1;
        const inside = Math.max(Math.abs(x), Math.abs(y)) <= 1 && covers(x, y);
        const value = (inside ? paint : ground) + 16 * random.normal();
        records[at++] = Math.min(255, Math.max(0, value));
      }
    }
  }
  return records;
}
