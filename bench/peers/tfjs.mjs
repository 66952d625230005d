// TensorFlow.js with its cpu backend (plain JavaScript): the MNIST network and small products.
import tf from '@tensorflow/tfjs';
import { repeated, serve, Unsupported } from './serve.mjs';

tf.env().set('IS_NODE', false); // silences the advertisement of tfjs-node
await tf.setBackend('cpu');

const he = () => tf.initializers.heNormal({});

function makeNetwork() {
  const network = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [28, 28, 1],
        filters: 32,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: he(),
      }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 100, activation: 'relu', kernelInitializer: he() }),
      tf.layers.dense({ units: 10, activation: 'softmax', kernelInitializer: he() }),
    ],
  });
  network.compile({ optimizer: tf.train.adam(0.001), loss: 'sparseCategoricalCrossentropy' });
  return network;
}

async function prepareNetwork({ kind, network: name, batch }) {
  if (name !== 'mnist') throw new Unsupported('of the networks only mnist, so slow it is');
  const network = makeNetwork();
  // A step of a thousand takes half a minute: it is measured by one of a hundred.
  const most = Math.min(batch, 100);
  const x = tf.randomUniform([most, 28, 28, 1]);
  const y = tf.floor(tf.randomUniform([most], 0, 10));
  const call =
    kind === 'train'
      ? () => network.trainOnBatch(x, y)
      : () => tf.tidy(() => network.predict(x, { batchSize: most }).dataSync());
  const once = await repeated(async () => void (await call()), { warmUp: most < 100 ? 1 : 0 });
  const measure = async (seconds, least) =>
    (await once(seconds, least)).map((time) => (time * batch) / most);
  const note = most === batch ? '' : `measured at batch ${most}`;
  return { measure, parameters: network.countParams(), note };
}

async function prepareProduct({ m, n, k, dtype }) {
  if (dtype !== 'float32') throw new Unsupported('float32 only');
  if (m * n * k > 512 ** 3) throw new Unsupported('products above 512³ take seconds');
  const [a, b] = [tf.randomUniform([m, k]), tf.randomUniform([k, n])];
  const measure = await repeated(() => tf.tidy(() => tf.matMul(a, b).dataSync()), { warmUp: 0 });
  return { measure };
}

await serve({ library: 'tfjs', version: tf.version.tfjs, note: 'cpu backend' }, async (task) => {
  if (task.kind === 'gemm') return prepareProduct(task);
  if (task.kind === 'conv') throw new Unsupported('single layers are not measured, so slow it is');
  return prepareNetwork(task);
});
