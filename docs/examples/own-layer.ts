// A layer of one's own: squeeze and excitation (Hu, Shen and Sun 2018), in a network that trains.
// Run: node --import tsx docs/examples/own-layer.ts (in the npm package, import from 'stridenet')
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sn from '../../lib/index.ts';

const { ops } = sn;

// Each channel times a factor in (0, 1) that a small network makes of all channels' means.
const excite = sn.layers.custom(
  (x, { squeeze, expand }) => {
    const means = ops.globalAvgPool2d(x);
    const factors = ops.sigmoid(ops.linear(ops.relu(ops.linear(means, squeeze)), expand));
    return ops.mul(x, ops.reshape(factors, [x.shape[0] as number, -1, 1, 1]));
  },
  {
    title: 'excite',
    parameters: {
      squeeze: { shape: ([channels = 0]) => [channels / 4, channels] },
      expand: { shape: ([channels = 0]) => [channels, channels / 4] },
    },
  },
);

const net = sn.sequential({
  inputShape: [1, 28, 28],
  layers: [
    sn.layers.conv2d({ filters: 8, kernelSize: 3, activation: 'relu' }),
    sn.layers.residual({ layers: [excite] }),
    sn.layers.maxPool2d({ kernelSize: 2 }),
    sn.layers.flatten(),
    sn.layers.dense({ units: 10, activation: 'softmax' }),
  ],
});
console.log(net.summary());

const { train } = await sn.data.mnist();
const { epochs } = await net.fit(sn.data.slice(train, 0, 2000), {
  epochs: 3,
  optimizer: sn.optimizers.adam(0.003),
});
console.log('accuracy', epochs.map(({ accuracy }) => accuracy?.toFixed(3)).join(' '));

const images = sn.zeros([2, 8, 5, 5], 'float64');
images.data.forEach((_, i) => {
  images.data[i] = Math.sin(i + 1);
});
console.log('gradient check', sn.gradientCheck(excite, [images]).maxError);

// A file has the layer's title and parameters; the function comes from here.
const file = join(tmpdir(), 'excited.safetensors');
await net.save(file);
const again = await sn.load(file, { custom: [excite] });
console.log('loaded', [...again.parameters().keys()].join(' '));
