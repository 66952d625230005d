// TensorFlow.js with its cpu backend (plain JavaScript): training the MNIST network.
import tf from '@tensorflow/tfjs';
import { batch, makeImages, makeLabels, measure, print } from './measure.mjs';

tf.env().set('IS_NODE', false); // silences the advertisement of tfjs-node
await tf.setBackend('cpu');

const he = () => tf.initializers.heNormal({});
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

function makeBatch(count) {
  const x = tf.tensor4d(makeImages(count), [count, 28, 28, 1]);
  const y = tf.tensor1d(Float32Array.from(makeLabels(count)));
  return () => network.trainOnBatch(x, y);
}

// A step of a thousand takes about half a minute, so that the warm-up is a small one.
await makeBatch(16)();
const rates = await measure(makeBatch(batch), { warmUp: 0, least: 1 });
const note = 'cpu backend, plain JavaScript';
print({ peer: 'tfjs', version: tf.version.tfjs, rates, threadsUsed: 1, note });
