// Two losses for one task: is this digit a 4 or a 9? Cross-entropy against the sum of squares.
// Run: node --import tsx docs/examples/four-or-nine.ts (in the npm package, import from 'stridenet')
import * as sn from '../../lib/index.ts';

const digits = [4, 9];

/** The images of these digits; each label is its digit's place among them. */
function only({ x, y }: sn.Samples): sn.Samples {
  const places = Array.from(y.data.keys()).filter((i) => digits.includes(y.data[i] as number));
  const chosen = sn.data.select({ x, y }, places);
  const labels = Array.from(chosen.y.data, (digit) => digits.indexOf(digit));
  return { x: chosen.x, y: sn.tensor(labels, [labels.length], 'int32') };
}

/** The same with labels (1, 0) and (0, 1), which squares are summed against. */
function oneHot({ x, y }: sn.Samples): sn.Samples {
  const targets = Array.from(y.data, (label) => (label === 0 ? [1, 0] : [0, 1]));
  return { x, y: sn.tensor(targets, [targets.length, 2]) };
}

const { train, test } = await sn.data.mnist();
const [seen, unseen] = [only(train), only(test)];
console.log(`${seen.x.shape[0]} images of 4 and 9 to train on, ${unseen.x.shape[0]} to test with`);

for (const [name, loss, labelled] of [
  ['cross-entropy', sn.losses.softmaxCrossEntropy(), (data: sn.Samples) => data],
  ['sum of squares', sn.losses.squaredError(), oneHot],
] as const) {
  const net = sn.sequential({
    inputShape: [1, 28, 28],
    layers: [
      sn.layers.conv2d({ filters: 8, kernelSize: 3, activation: 'relu' }),
      sn.layers.maxPool2d({ kernelSize: 2 }),
      sn.layers.flatten(),
      sn.layers.dense({ units: 2, activation: 'softmax' }),
    ],
    seed: 1,
  });
  const optimizer = sn.optimizers.adam(1e-3);
  await net.fit(labelled(seen), { epochs: 3, batchSize: 50, optimizer, loss });
  const { accuracy = 0 } = await net.evaluate(labelled(unseen));
  console.log(`${name}: test accuracy ${(100 * accuracy).toFixed(2)} %`);
}
