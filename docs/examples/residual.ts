// A narrow ResNet-18 in its form for 32x32 images, trained on a part of MNIST.
// Run: node --import tsx docs/examples/residual.ts (in the npm package, import from 'stridenet')
import * as sn from '../../lib/index.ts';

const { train, test } = await sn.data.mnist();

/** The first samples, their images padded from 28x28 to 32x32. */
function first(data: sn.Samples, count: number): sn.Samples {
  const { x, y } = sn.data.slice(data, 0, count);
  const margin = [2, 2] as const;
  return { x: sn.ops.pad(x, [margin, margin]), y };
}

const net = sn.models.resnet18({
  ...{ stem: 'small', width: 8, classes: 10, inputShape: [1, 32, 32], seed: 1 },
});
const adam = sn.optimizers.adam(0.004);
await net.fit(first(train, 2000), {
  epochs: 3,
  batchSize: 50,
  optimizer: adam,
  callbacks: {
    onEpoch({ epoch, loss }) {
      console.log(`epoch ${epoch}: loss ${loss.toFixed(3)}`);
      adam.learningRate /= 3;
    },
  },
});
const { accuracy = 0 } = await net.evaluate(first(test, 1000));
console.log(`test accuracy ${(100 * accuracy).toFixed(1)} %`);

// Parameters have torchvision's names and shapes. Of its ResNet-18 for photographs, saved in Python
// by safetensors.torch.save_file(torchvision.models.resnet18(weights='DEFAULT').state_dict(), file):
//   const large = sn.models.resnet18();
//   await large.loadWeights(file);
