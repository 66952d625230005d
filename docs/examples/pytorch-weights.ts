// Predicts with the weights of a PyTorch model, here the form of ResNet-18 for 32x32 images with so
// many classes. In Python: safetensors.torch.save_file(model.state_dict(), 'resnet18.safetensors')
// Files of a small network of one's own: net.loadWeights(file, { match: 'order' }), see docs/training.md
// Run: node --import tsx docs/examples/pytorch-weights.ts FILE [classes] (in the npm package, import from 'stridenet')
import { existsSync } from 'node:fs';
import * as sn from '../../lib/index.ts';

const [file = 'resnet18.safetensors', classes = '10'] = process.argv.slice(2);
if (!existsSync(file)) {
  console.error(
    `${file} is not there. In Python: safetensors.torch.save_file(model.state_dict(), '${file}')`,
  );
  process.exit(1);
}
const net = sn.models.resnet18({ classes: Number(classes), stem: 'small' });
const { loaded, ignored } = await net.loadWeights(file);
console.log(`${loaded.length} tensors loaded, passed over: ${ignored.length}`);

// In training the images had the mean and deviation of each channel taken away.
const [mean, std] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
].map((values) => sn.tensor(values, [1, 3, 1, 1])) as [sn.Tensor, sn.Tensor];
const images = sn.randomUniform([2, 3, 32, 32], { seed: 1 });
const normalized = sn.ops.div(sn.ops.sub(images, mean), std);
const probabilities = await net.predict(normalized);
console.log(sn.ops.argmax(probabilities, { axis: 1 }).toArray());
