// jax-js with its WebAssembly backend: training the MNIST network, the whole step compiled by jit.
// Arrays are consumed by what uses them; `.ref` keeps one for a further use.
import {
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  nn,
  numpy as np,
  valueAndGrad,
} from '@jax-js/jax';
import {
  batch,
  makeImages,
  makeLabels,
  makeParameter,
  measure,
  print,
  SHAPES,
  versionOf,
} from './measure.mjs';

const devices = await init('wasm');
if (!devices.includes('wasm')) {
  console.error('jax-js has no wasm device in this Node');
  process.exit(3);
}
defaultDevice('wasm');

function lossOf(parameters, x, labels) {
  const { w0, b0, w1, b1, w2, b2 } = parameters;
  const z0 = lax.conv(x, w0, [1, 1], 'VALID').add(b0.reshape([1, 32, 1, 1]));
  const cells = nn.relu(z0).reshape([batch, 32, 13, 2, 13, 2]);
  const pooled = np.max(np.max(cells, 5), 3);
  const a1 = nn.relu(np.matmul(pooled.reshape([batch, 5408]), np.transpose(w1)).add(b1));
  const logits = np.matmul(a1, np.transpose(w2)).add(b2);
  return np.mean(np.sum(nn.logSoftmax(logits, 1).mul(labels), 1)).mul(-1);
}

function update(p, m, v, g, scale1, scale2) {
  const nextM = m.mul(0.9).add(g.ref.mul(0.1));
  const nextV = v.mul(0.999).add(np.square(g).mul(0.001));
  const denominator = np.sqrt(nextV.ref.mul(scale2)).add(1e-8);
  return [p.sub(nextM.ref.mul(scale1).mul(0.001).div(denominator)), nextM, nextV];
}

const step = jit((parameters, m, v, scale1, scale2, x, labels) => {
  const names = Object.keys(SHAPES);
  const copies = Object.fromEntries(names.map((name) => [name, parameters[name].ref]));
  const [loss, gradients] = valueAndGrad(lossOf)(copies, x, labels);
  const [nextP, nextM, nextV] = [{}, {}, {}];
  for (const name of names) {
    [nextP[name], nextM[name], nextV[name]] = update(
      parameters[name],
      m[name],
      v[name],
      gradients[name],
      scale1.ref,
      scale2.ref,
    );
  }
  scale1.dispose();
  scale2.dispose();
  return [loss, nextP, nextM, nextV];
});

const array = (data, shape) => np.array(data).reshape(shape);
const makeAll = (make) =>
  Object.fromEntries(Object.entries(SHAPES).map(([name, shape]) => [name, make(shape)]));
let parameters = makeAll((shape) => array(makeParameter(shape), shape));
let m = makeAll((shape) => np.zeros(shape));
let v = makeAll((shape) => np.zeros(shape));
const x = array(makeImages(batch), [batch, 1, 28, 28]);
const oneHot = new Float32Array(batch * 10);
for (const [row, label] of makeLabels(batch).entries()) oneHot[row * 10 + label] = 1;
const labels = array(oneHot, [batch, 10]);

let number = 0;
const rates = await measure(
  async () => {
    number += 1;
    const scale1 = np.array(1 / (1 - 0.9 ** number));
    const scale2 = np.array(1 / (1 - 0.999 ** number));
    let loss;
    [loss, parameters, m, v] = step(parameters, m, v, scale1, scale2, x.ref, labels.ref);
    await blockUntilReady([parameters.w0.ref, parameters.w1.ref]);
    if (!Number.isFinite((await loss.data())[0])) throw new Error('the loss is not finite');
  },
  { warmUp: 1, least: 3 },
);
const version = versionOf('@jax-js/jax');
const threaded = typeof globalThis.Worker === 'function';
print({
  peer: 'jax-js',
  version,
  rates,
  threadsUsed: threaded ? undefined : 1,
  note: `wasm backend${threaded ? '' : ', one thread: this Node has no global Worker'}`,
});
