// Loads the addon that is given (default: what node-gyp-build finds) in the bundle dist/, and says
// whether it computes as the reference does, throws and runs threads. Needs no package of npm but
// the library's own, so that it runs under emulators and on systems without the tests.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';

if (process.argv[2] !== undefined) process.env.STRIDENET_ADDON = path.resolve(process.argv[2]);
const sn = await import('../../dist/index.js');

/** Integers within ±8, whose sums of products float32 holds exactly in any order. */
function integers(shape, dtype, seed) {
  const size = shape.reduce((a, b) => a * b, 1);
  let state = seed;
  const data = Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 16) % 17) - 8;
  });
  return sn.tensor(data, shape, dtype);
}

function onBackend(name, compute) {
  sn.setDefaultBackend(name);
  const result = compute();
  sn.setDefaultBackend('native');
  return [...result.data];
}

function checkOperators(dtype) {
  const x = integers([2, 5, 17, 19], dtype, 1);
  const w = integers([11, 5, 3, 3], dtype, 2);
  const matrices = [integers([37, 41], dtype, 3), integers([41, 29], dtype, 4)];
  const operators = {
    conv2d: () => sn.ops.conv2d(x, w, null, { padding: 1 }),
    'conv2d, stride 2': () => sn.ops.conv2d(x, w, null, { stride: 2 }),
    maxPool2d: () => sn.ops.maxPool2d(x, { kernelSize: 2, stride: 2 }),
    matmul: () => sn.ops.matmul(...matrices),
  };
  for (const [name, compute] of Object.entries(operators)) {
    assert.deepEqual(
      onBackend('native', compute),
      onBackend('reference', compute),
      `${name} (${dtype})`,
    );
  }
}

/** Losses of a few steps on made-up digits. */
async function losses(threads) {
  sn.setThreads(threads);
  const net = sn.models.lenet5({ seed: 1 });
  const x = integers([64, 1, 28, 28], 'float32', 5);
  const y = sn.tensor(
    Array.from({ length: 64 }, (_, i) => i % 10),
    [64],
    'int32',
  );
  const history = await net.fit({ x, y }, { epochs: 3, batchSize: 32, seed: 1 });
  return JSON.stringify(history.epochs.map((epoch) => epoch.loss));
}

const { isa, isas, addon } = sn.cpuInfo();
assert.ok(addon, 'no addon was found');
checkOperators('float32');
checkOperators('float64');
assert.equal(await losses(1), await losses(3), 'one thread and three differ');
const native = createRequire(import.meta.url)(addon);
assert.throws(() => native.scratchBytes({}), { code: /^ERR_/ });
console.log(`${addon}: works on ${isa} (of ${isas.join(', ')}), Node ${process.versions.node}`);
