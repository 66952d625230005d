// onnxruntime-node: inference of the MNIST network. The model is made here, with onnx-proto.
import onnxProto from 'onnx-proto';
import ort from 'onnxruntime-node';
import {
  batch,
  makeImages,
  makeParameter,
  measure,
  print,
  SHAPES,
  threads,
  versionOf,
} from './measure.mjs';

const { onnx } = onnxProto;
const { FLOAT } = onnx.TensorProto.DataType;
const { INT, INTS } = onnx.AttributeProto.AttributeType;

function ints(name, ...values) {
  return { name, type: INTS, ints: values };
}

function flag(name) {
  return { name, type: INT, i: 1 };
}

function tensorType(...sizes) {
  const dim = sizes.map((size) =>
    typeof size === 'number' ? { dimValue: size } : { dimParam: size },
  );
  return { tensorType: { elemType: FLOAT, shape: { dim } } };
}

function makeModel() {
  const node = (opType, input, output, attribute = []) => ({
    opType,
    input,
    output: [output],
    attribute,
  });
  const graph = {
    name: 'mnist',
    input: [{ name: 'x', type: tensorType('batch', 1, 28, 28) }],
    output: [{ name: 'y', type: tensorType('batch', 10) }],
    initializer: Object.entries(SHAPES).map(([name, dims]) => ({
      name,
      dims,
      dataType: FLOAT,
      rawData: new Uint8Array(makeParameter(dims).buffer),
    })),
    node: [
      node('Conv', ['x', 'w0', 'b0'], 'z0', [ints('kernel_shape', 3, 3)]),
      node('Relu', ['z0'], 'a0'),
      node('MaxPool', ['a0'], 'p0', [ints('kernel_shape', 2, 2), ints('strides', 2, 2)]),
      node('Flatten', ['p0'], 'f0'),
      node('Gemm', ['f0', 'w1', 'b1'], 'z1', [flag('transB')]),
      node('Relu', ['z1'], 'a1'),
      node('Gemm', ['a1', 'w2', 'b2'], 'z2', [flag('transB')]),
      node('Softmax', ['z2'], 'y'),
    ],
  };
  return onnx.ModelProto.encode({ irVersion: 8, opsetImport: [{ version: 13 }], graph }).finish();
}

const session = await ort.InferenceSession.create(makeModel(), {
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionProviders: ['cpu'],
});
const x = new ort.Tensor('float32', makeImages(batch), [batch, 1, 28, 28]);
const rates = await measure(() => session.run({ x }));
const version = versionOf('onnxruntime-node');
print({ peer: 'onnxruntime-node', version, rates, note: 'inference only' });
