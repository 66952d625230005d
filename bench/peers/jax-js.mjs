// jax-js with its WebAssembly backend: the MNIST network, a training step compiled whole by jit, and
// products.
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
import { repeated, serve, Unsupported, versionOf } from './serve.mjs';

const devices = await init('wasm');
if (!devices.includes('wasm')) {
  console.error('jax-js has no wasm device in this Node');
  process.exit(3);
}
defaultDevice('wasm');

/** Parameters of the MNIST network: name → shape, in order. */
const SHAPES = {
  w0: [32, 1, 3, 3],
  b0: [32],
  w1: [100, 5408],
  b1: [100],
  w2: [10, 100],
  b2: [10],
};

const sizeOf = (shape) => shape.reduce((product, n) => product * n, 1);

/** A He-scaled value for each element (uniform: only the speed is of interest), zero biases. */
function makeParameter(shape) {
  const bound = shape.length === 1 ? 0 : Math.sqrt(6 / (sizeOf(shape) / shape[0]));
  return Float32Array.from({ length: sizeOf(shape) }, () => (2 * Math.random() - 1) * bound);
}

function logitsOf(parameters, x) {
  const { w0, b0, w1, b1, w2, b2 } = parameters;
  const batch = x.shape[0];
  const z0 = lax.conv(x, w0, [1, 1], 'VALID').add(b0.reshape([1, 32, 1, 1]));
  const cells = nn.relu(z0).reshape([batch, 32, 13, 2, 13, 2]);
  const pooled = np.max(np.max(cells, 5), 3);
  const a1 = nn.relu(np.matmul(pooled.reshape([batch, 5408]), np.transpose(w1)).add(b1));
  return np.matmul(a1, np.transpose(w2)).add(b2);
}

function lossOf(parameters, x, labels) {
  const logits = logitsOf(parameters, x);
  return np.mean(np.sum(nn.logSoftmax(logits, 1).mul(labels), 1)).mul(-1);
}

const infer = jit((parameters, x) => nn.softmax(logitsOf(parameters, x), 1));

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
const random = (shape) =>
  array(
    Float32Array.from({ length: sizeOf(shape) }, () => Math.random()),
    shape,
  );
const makeAll = (make) =>
  Object.fromEntries(Object.entries(SHAPES).map(([name, shape]) => [name, make(shape)]));
const makeParameters = () => makeAll((shape) => array(makeParameter(shape), shape));
const retained = (parameters) =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, value.ref]));

async function prepareTraining(batch) {
  let parameters = makeParameters();
  let m = makeAll((shape) => np.zeros(shape));
  let v = makeAll((shape) => np.zeros(shape));
  const x = random([batch, 1, 28, 28]);
  const oneHot = new Float32Array(batch * 10);
  for (let row = 0; row < batch; row += 1) oneHot[row * 10 + Math.floor(Math.random() * 10)] = 1;
  const labels = array(oneHot, [batch, 10]);
  let number = 0;
  return async () => {
    number += 1;
    const scale1 = np.array(1 / (1 - 0.9 ** number));
    const scale2 = np.array(1 / (1 - 0.999 ** number));
    let loss;
    [loss, parameters, m, v] = step(parameters, m, v, scale1, scale2, x.ref, labels.ref);
    await blockUntilReady([parameters.w0.ref, parameters.w1.ref]);
    if (!Number.isFinite((await loss.data())[0])) throw new Error('the loss is not finite');
  };
}

function prepareInference(batch) {
  const parameters = makeParameters();
  const x = random([batch, 1, 28, 28]);
  return async () => void (await infer(retained(parameters), x.ref).data());
}

function prepareProduct({ m, n, k, dtype }) {
  if (dtype !== 'float32') throw new Unsupported('float32 only');
  const [a, b] = [random([m, k]), random([k, n])];
  return async () => void (await blockUntilReady([np.matmul(a.ref, b.ref)]));
}

async function callOf(task) {
  if (task.kind === 'gemm') return prepareProduct(task);
  if (task.kind === 'conv') throw new Unsupported('single layers are not measured');
  if (task.network !== 'mnist') throw new Unsupported('of the networks only mnist');
  return task.kind === 'train' ? prepareTraining(task.batch) : prepareInference(task.batch);
}

const threaded = typeof globalThis.Worker === 'function';
const note = `wasm backend${threaded ? '' : ', one thread: this Node has no global Worker'}`;
await serve({ library: 'jax-js', version: versionOf('@jax-js/jax'), note }, async (task) => {
  const call = await callOf(task);
  const body = async (count) => {
    for (let i = 0; i < count; i += 1) await call();
  };
  const parameters =
    task.kind === 'gemm'
      ? undefined
      : Object.values(SHAPES).reduce((sum, shape) => sum + sizeOf(shape), 0);
  return { measure: await repeated(body, { warmUp: 1 }), parameters, note };
});
