// The networks of bench/networks.ts as ONNX models, for inference, with random weights.
import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;
const { FLOAT } = onnx.TensorProto.DataType;
const { FLOAT: REAL, INT, INTS } = onnx.AttributeProto.AttributeType;

const ints = (name, ...values) => ({ name, type: INTS, ints: values });
const int = (name, i) => ({ name, type: INT, i });
const real = (name, f) => ({ name, type: REAL, f });

function tensorType(...sizes) {
  const dim = sizes.map((dimValue) => ({ dimValue }));
  return { tensorType: { elemType: FLOAT, shape: { dim } } };
}

/** Adds nodes one after the other; each method takes and gives the name of a value. */
class Model {
  nodes = [];
  initializers = [];
  /** Values that training would learn. */
  parameters = 0;

  add(opType, inputs, attribute = []) {
    const output = `v${this.nodes.length}`;
    this.nodes.push({ opType, input: inputs, output: [output], attribute });
    return output;
  }

  /** A tensor of values from `make`; one that is learned counts as parameters. */
  tensor(dims, make, learned = true) {
    const name = `w${this.initializers.length}`;
    const size = dims.reduce((product, each) => product * each, 1);
    const values = Float32Array.from({ length: size }, make);
    if (learned) this.parameters += size;
    const rawData = new Uint8Array(values.buffer);
    this.initializers.push({ name, dims, dataType: FLOAT, rawData });
    return name;
  }

  /** Within what keeps the size of activations. */
  weight(dims) {
    const bound = Math.sqrt(6 / dims.slice(1).reduce((product, each) => product * each, 1));
    return this.tensor(dims, () => (2 * Math.random() - 1) * bound);
  }

  conv(x, [inputs, filters, kernel], settings = {}) {
    const { stride = 1, padding = 0, groups = 1, bias = true } = settings;
    const weights = [this.weight([filters, inputs / groups, kernel, kernel])];
    if (bias) weights.push(this.tensor([filters], () => 0));
    return this.add(
      'Conv',
      [x, ...weights],
      [
        ints('kernel_shape', kernel, kernel),
        ints('strides', stride, stride),
        ints('pads', padding, padding, padding, padding),
        int('group', groups),
      ],
    );
  }

  /** Convolution without bias, batch normalization, activation. */
  normalized(x, [inputs, filters, kernel = 3], settings = {}) {
    const { stride = 1, groups = 1, act = 'Relu' } = settings;
    const own = { stride, groups, padding: (kernel - 1) / 2, bias: false };
    const z = this.conv(x, [inputs, filters, kernel], own);
    const learned = [this.tensor([filters], () => 1), this.tensor([filters], () => 0)];
    const kept = [0, 1].map((value) => this.tensor([filters], () => value, false));
    const y = this.add('BatchNormalization', [z, ...learned, ...kept], [real('epsilon', 1e-5)]);
    return act === null ? y : act === 'Relu6' ? this.relu6(y) : this.add(act, [y]);
  }

  relu6(x) {
    this.six ??= [0, 6].map((value) => this.tensor([], () => value, false));
    return this.add('Clip', [x, ...this.six]);
  }

  pool(x, type, kernel, { stride = kernel, padding = 0 } = {}) {
    return this.add(
      type,
      [x],
      [
        ints('kernel_shape', kernel, kernel),
        ints('strides', stride, stride),
        ints('pads', padding, padding, padding, padding),
      ],
    );
  }

  dense(x, inputs, units) {
    const weights = [this.weight([units, inputs]), this.tensor([units], () => 0)];
    return this.add('Gemm', [x, ...weights], [int('transB', 1)]);
  }

  flat(x) {
    return this.add('Flatten', [x]);
  }

  /** Global average, flattened. */
  average(x) {
    return this.flat(this.add('GlobalAveragePool', [x]));
  }
}

function mnist(m, x) {
  let y = m.pool(m.add('Relu', [m.conv(x, [1, 32, 3])]), 'MaxPool', 2);
  y = m.add('Relu', [m.dense(m.flat(y), 5408, 100)]);
  return m.dense(y, 100, 10);
}

function lenet5(m, x) {
  let y = m.add('Tanh', [m.conv(x, [1, 6, 5], { padding: 2 })]);
  y = m.add('Tanh', [m.conv(m.pool(y, 'AveragePool', 2), [6, 16, 5])]);
  y = m.flat(m.pool(y, 'AveragePool', 2));
  y = m.add('Tanh', [m.dense(y, 400, 120)]);
  y = m.add('Tanh', [m.dense(y, 120, 84)]);
  return m.dense(y, 84, 10);
}

/** 3x3 convolutions with ReLU; 0 stands for max pooling 2x2. */
function plain(m, x, inputs, filters) {
  let [y, channels] = [x, inputs];
  for (const each of filters) {
    if (each === 0) y = m.pool(y, 'MaxPool', 2);
    else {
      y = m.add('Relu', [m.conv(y, [channels, each, 3], { padding: 1 })]);
      channels = each;
    }
  }
  return y;
}

function convolutions(m, x) {
  const y = m.flat(plain(m, x, 1, [32, 32, 0, 64, 64, 0]));
  return m.dense(m.add('Relu', [m.dense(y, 3136, 128)]), 128, 10);
}

function wide(m, x, features) {
  const y = m.add('Relu', [m.dense(m.flat(x), features, 4096)]);
  return m.dense(m.add('Relu', [m.dense(y, 4096, 4096)]), 4096, 1000);
}

function vgg16(m, x) {
  const stages = [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0];
  return wide(m, plain(m, x, 3, stages), 512 * 49);
}

function alexnet(m, x) {
  const first = m.conv(x, [3, 64, 11], { stride: 4, padding: 2 });
  let y = m.pool(m.add('Relu', [first]), 'MaxPool', 3, { stride: 2 });
  y = m.add('Relu', [m.conv(y, [64, 192, 5], { padding: 2 })]);
  y = plain(m, m.pool(y, 'MaxPool', 3, { stride: 2 }), 192, [384, 256, 256]);
  return wide(m, m.pool(y, 'MaxPool', 3, { stride: 2 }), 256 * 36);
}

const basic = (m, x, inputs, width, stride) =>
  m.normalized(m.normalized(x, [inputs, width], { stride }), [width, width], { act: null });

function bottleneck(m, x, inputs, width, stride) {
  let y = m.normalized(x, [inputs, width, 1]);
  y = m.normalized(y, [width, width], { stride });
  return m.normalized(y, [width, 4 * width, 1], { act: null });
}

const resnet = (body, blocks, expansion, { small, classes }) =>
  function network(m, x) {
    let y = small
      ? m.normalized(x, [3, 64])
      : m.pool(m.normalized(x, [3, 64, 7], { stride: 2 }), 'MaxPool', 3, { stride: 2, padding: 1 });
    let channels = 64;
    for (const [stage, count] of blocks.entries()) {
      const width = 64 * 2 ** stage;
      for (let i = 0; i < count; i += 1) {
        const stride = i === 0 && stage > 0 ? 2 : 1;
        const filters = expansion * width;
        const fits = stride === 1 && channels === filters;
        const inner = body(m, y, channels, width, stride);
        const by = fits ? y : m.normalized(y, [channels, filters, 1], { stride, act: null });
        y = m.add('Relu', [m.add('Add', [inner, by])]);
        channels = filters;
      }
    }
    return m.dense(m.average(y), channels, classes);
  };

function mobilenetV2(m, x) {
  const act = 'Relu6';
  let y = m.normalized(x, [3, 32], { stride: 2, act });
  let channels = 32;
  const stages = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ];
  for (const [expansion, outputs, count, first] of stages) {
    for (let i = 0; i < count; i += 1) {
      const [inside, stride] = [expansion * channels, i === 0 ? first : 1];
      let z = expansion === 1 ? y : m.normalized(y, [channels, inside, 1], { act });
      z = m.normalized(z, [inside, inside], { stride, groups: inside, act });
      z = m.normalized(z, [inside, outputs, 1], { act: null });
      y = stride === 1 && channels === outputs ? m.add('Add', [z, y]) : z;
      channels = outputs;
    }
  }
  return m.dense(m.average(m.normalized(y, [channels, 1280, 1], { act })), 1280, 1000);
}

const imageNet = { small: false, classes: 1000 };

/** Name: what adds the network, the (C,H,W) of its images. */
const NETWORKS = {
  mnist: [mnist, 1, 28],
  lenet5: [lenet5, 1, 28],
  convolutions: [convolutions, 1, 28],
  'resnet18-32': [resnet(basic, [2, 2, 2, 2], 1, { small: true, classes: 10 }), 3, 32],
  resnet18: [resnet(basic, [2, 2, 2, 2], 1, imageNet), 3, 224],
  resnet50: [resnet(bottleneck, [3, 4, 6, 3], 4, imageNet), 3, 224],
  mobilenetV2: [mobilenetV2, 3, 224],
  vgg16: [vgg16, 3, 224],
  alexnet: [alexnet, 3, 224],
};

function encode(graph) {
  return onnx.ModelProto.encode({
    ...{ irVersion: 8, opsetImport: [{ version: 13 }] },
    graph: { name: 'bench', ...graph },
  }).finish();
}

/** The model of { network, batch, size? }: its bytes, the shape of x, how many values it learns. */
export function networkModel({ network, batch, size }) {
  const known = NETWORKS[network];
  if (known === undefined) return null;
  const [build, channels, own] = known;
  const shape = [batch, channels, size ?? own, size ?? own];
  const model = new Model();
  const output = model.add('Softmax', [build(model, 'x')]);
  const bytes = encode({
    input: [{ name: 'x', type: tensorType(...shape) }],
    output: [{ name: output }],
    initializer: model.initializers,
    node: model.nodes,
  });
  return { bytes, shape, parameters: model.parameters };
}

/** A matrix product of two inputs: { m, n, k }. */
export function productModel({ m, n, k }) {
  const bytes = encode({
    input: [
      { name: 'a', type: tensorType(m, k) },
      { name: 'b', type: tensorType(k, n) },
    ],
    output: [{ name: 'c', type: tensorType(m, n) }],
    node: [{ opType: 'MatMul', input: ['a', 'b'], output: ['c'] }],
  });
  return { bytes, shapes: { a: [m, k], b: [k, n] } };
}

/** A convolution whose filters are constants: a conv task of bench/tasks.ts. */
export function convModel({ input, filters, kernelSize, stride, padding, groups }) {
  const model = new Model();
  const weight = model.weight([filters, input[1] / groups, ...kernelSize]);
  const output = model.add(
    'Conv',
    ['x', weight],
    [
      ints('kernel_shape', ...kernelSize),
      ints('strides', ...stride),
      ints('pads', ...padding, ...padding),
      int('group', groups),
    ],
  );
  const bytes = encode({
    input: [{ name: 'x', type: tensorType(...input) }],
    output: [{ name: output }],
    initializer: model.initializers,
    node: model.nodes,
  });
  return { bytes, shapes: { x: input } };
}
