// onnxruntime-node: inference of networks, products, convolutions forward. Models are made here.
import ort from 'onnxruntime-node';
import { convModel, networkModel, productModel } from './onnxModels.mjs';
import { repeated, serve, threads, Unsupported, versionOf } from './serve.mjs';

/** A session that runs the model on random inputs of these shapes. */
async function prepareModel({ bytes, shapes, parameters }) {
  const session = await ort.InferenceSession.create(bytes, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
  });
  const feeds = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const size = shape.reduce((product, each) => product * each, 1);
    const values = Float32Array.from({ length: size }, () => 2 * Math.random() - 1);
    feeds[name] = new ort.Tensor('float32', values, shape);
  }
  const measure = await repeated(async (count) => {
    for (let i = 0; i < count; i += 1) await session.run(feeds);
  });
  return { measure, parameters, release: () => void session.release() };
}

function prepare(task) {
  if (task.kind === 'gemm') {
    if (task.dtype !== 'float32') throw new Unsupported('measured in float32 only');
    return prepareModel(productModel(task));
  }
  if (task.kind === 'conv') {
    if (task.part !== 'forward') throw new Unsupported('inference only');
    return prepareModel(convModel(task));
  }
  if (task.kind !== 'infer') throw new Unsupported('inference only');
  const model = networkModel(task);
  if (model === null) throw new Unsupported(`no network ${task.network}`);
  const { bytes, shape, parameters } = model;
  return prepareModel({ bytes, shapes: { x: shape }, parameters });
}

await serve({ library: 'onnxruntime-node', version: versionOf('onnxruntime-node') }, prepare);
