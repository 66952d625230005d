// The networks of the sources: what each is as published, and a few steps of training of a smaller
// form that tells the directions of stripes apart.
// Run: node --import tsx docs/examples/networks.ts [name…] (in the npm package, import from
// 'stridenet')
import * as sn from '../../lib/index.ts';

const { layers, models } = sn;
const small = { classes: 2, seed: 1 };

/** Blocks of a paper after a first convolution, with a classifier behind. */
function around(inputShape: sn.Shape, filters: number, blocks: readonly sn.Layer[]): sn.Network {
  return sn.sequential({
    inputShape,
    layers: [
      layers.conv2d({ filters, kernelSize: 3, stride: 2, padding: 1, activation: 'relu' }),
      ...blocks,
      layers.globalAvgPool2d(),
      layers.dense({ units: 2, activation: 'softmax' }),
    ],
    seed: 1,
  });
}

/** GoogLeNet's block 3a, each of its widths divided. */
const inception = (divisor: number): sn.Layer =>
  models.inception({
    filters1x1: 64 / divisor,
    reduce3x3: 96 / divisor,
    filters3x3: 128 / divisor,
    reduce5x5: 16 / divisor,
    filters5x5: 32 / divisor,
    poolProjection: 32 / divisor,
  });

/** Each as published, and smaller. */
const networks: Readonly<Record<string, () => readonly [sn.Network, sn.Network]>> = {
  // LeCun and others 1998, as it is taught today
  lenet5: () => [models.lenet5(), models.lenet5(small)],
  // Krizhevsky 2014, and Krizhevsky and others 2012
  alexnet: () => [
    models.alexnet(),
    models.alexnet({ ...small, inputShape: [3, 63, 63], hidden: 64 }),
  ],
  alexnetTwoTowers: () => [
    models.alexnetTwoTowers(),
    models.alexnetTwoTowers({ ...small, inputShape: [3, 63, 63], hidden: 64 }),
  ],
  // Lin, Chen, Yan 2014
  networkInNetwork: () => [
    models.networkInNetwork(),
    models.networkInNetwork({ ...small, inputShape: [3, 16, 16] }),
  ],
  // The block of Szegedy and others 2015: split, transform, merge
  inception: () => [
    around([3, 56, 56], 192, [inception(1)]),
    around([3, 16, 16], 24, [inception(8)]),
  ],
  // The grouped block of Xie and others 2017
  resnext: () => [
    around([3, 112, 112], 64, [models.resnextBlock({ filters: 256, projection: true })]),
    around([3, 16, 16], 16, [models.resnextBlock({ filters: 32, groups: 4, projection: true })]),
  ],
};

/** Images of stripes, class 0 lying and class 1 standing, each from another place. */
function stripes(count: number, [channels = 1, height = 1, width = 1]: sn.Shape): sn.Samples {
  const x = sn.zeros([count, channels, height, width]);
  const y = sn.zeros([count], 'int32');
  const random = new sn.Generator(1);
  let at = 0;
  for (let n = 0; n < count; n++) {
    const start = 8 * random.uniform();
    y.data[n] = n % 2;
    for (let i = 0; i < channels * height * width; i++) {
      const [row, column] = [Math.floor(i / width) % height, i % width];
      x.data[at++] = Math.sin(start + (n % 2 === 0 ? row : column));
    }
  }
  return { x, y };
}

const asked = process.argv.slice(2);
for (const [name, make] of Object.entries(networks)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const [published, net] = make();
  console.log(`${name}\n${published.summary()}`);
  const data = stripes(16, net.architecture.inputShape);
  const before = await net.evaluate(data);
  await net.fit(data, { epochs: 20, batchSize: 8, optimizer: sn.optimizers.adam(1e-3) });
  const after = await net.evaluate(data);
  console.log(`${name} smaller: loss ${before.loss.toFixed(3)}, then ${after.loss.toFixed(3)}\n`);
}
