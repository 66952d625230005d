// A loss of one's own in operators: the focal loss (Lin and others 2017), −(1 − p)^γ·log p of the
// right class's probability p, which attends to the samples that are hard.
// Run: node --import tsx docs/examples/own-loss.ts (in the npm package, import from 'stridenet')
import * as sn from '../../lib/index.ts';

const { ops } = sn;
const classes = 10;
const identity = sn.zeros([classes, classes]);
for (let i = 0; i < classes; i++) identity.data[i * (classes + 1)] = 1;

function focal(gamma: number): sn.Loss {
  return {
    kind: 'focal',
    options: { gamma },
    // The network's softmax is left out, and `predictions` are logits (N, 10).
    takesLogits: true,
    mean(predictions, labels) {
      const logs = ops.logSoftmax(predictions, { axis: 1 });
      const right = ops.gather(identity, labels);
      const hard = ops.pow(ops.sub(1, ops.exp(logs)), gamma);
      return ops.neg(ops.mean(ops.sum(ops.mul(right, ops.mul(hard, logs)), { axis: 1 })));
    },
  };
}

const logits = sn.randomNormal([4, classes], { seed: 1 });
const labels = sn.tensor([3, 1, 4, 1], [4], 'int32');
for (const loss of [sn.losses.softmaxCrossEntropy(), focal(0), focal(2)]) {
  const { value } = sn.valueAndGrad((x: sn.Variable) => loss.mean(x, labels))(logits);
  console.log(loss.kind, loss.options, value.data[0]);
}

const { train, test } = await sn.data.mnist();
const net = sn.sequential({
  inputShape: [1, 28, 28],
  layers: [
    sn.layers.conv2d({ filters: 8, kernelSize: 3, activation: 'relu' }),
    sn.layers.maxPool2d({ kernelSize: 2 }),
    sn.layers.flatten(),
    sn.layers.dense({ units: classes, activation: 'softmax' }),
  ],
  seed: 1,
});
const data = sn.data.slice(train, 0, 10_000);
const optimizer = sn.optimizers.adam(2e-3);
await net.fit(data, { epochs: 3, batchSize: 50, optimizer, loss: focal(2) });
const { accuracy = 0 } = await net.evaluate(test);
console.log(`test accuracy ${(100 * accuracy).toFixed(2)} %`);
