// Training written by hand: nested parameters with compiled gradients and an update of one's own, and
// the parameters of a network, updated in place.
// Run: node --import tsx docs/examples/hand-written-training.ts (in the npm package, import from 'stridenet')
import * as sn from '../../lib/index.ts';

const { linear, mul, softmaxCrossEntropy, sub, tanh } = sn.ops;

// Points on the three arms of a spiral.
const random = new sn.Generator(1);
const x = sn.zeros([300, 2]);
const y = sn.zeros([300], 'int32');
for (let i = 0; i < 300; i++) {
  const radius = random.uniform();
  const angle = 2 * Math.PI * (i / 3 + radius / 2) + 0.1 * random.normal();
  x.data.set([radius * Math.cos(angle), radius * Math.sin(angle)], 2 * i);
  y.data[i] = i % 3;
}

const drawn = (...shape: number[]) => {
  const weight = sn.zeros(shape);
  for (let i = 0; i < weight.size; i++) weight.data[i] = random.normal();
  return weight;
};

// Nested parameters.
type Params<P> = { hidden: { w: P; b: P }; output: { w: P; b: P } };
const logits = <P extends sn.Operand, X extends sn.Operand>({ hidden, output }: Params<P>, x: X) =>
  linear(tanh(linear(x, hidden.w, hidden.b)), output.w, output.b);
const loss = (p: Params<sn.Variable>, x: sn.Variable, y: sn.Variable) =>
  softmaxCrossEntropy(logits(p, x), y);

let params = {
  hidden: { w: drawn(32, 2), b: drawn(32) },
  output: { w: drawn(3, 32), b: drawn(3) },
};
const step = sn.compile(sn.valueAndGrad(loss));
let result = await step(params, x, y);
console.log('loss at first:', result.value.item().toFixed(2));
for (let i = 0; i < 300; i++) {
  result = await step(params, x, y, { into: result });
  params = sn.mapTensors((p, g) => sub(p, mul(g, 0.5)), params, result.grads[0]);
}
console.log('loss after 300 steps:', result.value.item().toFixed(2));
step.dispose();

// On Tensors the same function computes at once, and gives a Tensor.
const guesses = sn.ops.argmax(logits(params, x), { axis: 1 });
const right = guesses.data.filter((guess, i) => guess === y.data[i]).length;
console.log('right:', right, 'of 300');

// The parameters of a network, in a step that is compiled as a whole and fills its own arguments.
const net = sn.sequential({
  inputShape: [2],
  layers: [
    sn.layers.dense({ units: 32, activation: 'tanh' }),
    sn.layers.dense({ units: 3, activation: 'softmax' }),
  ],
});
const lossOfNet = (p: ReadonlyMap<string, sn.Variable>, x: sn.Variable, y: sn.Variable) =>
  softmaxCrossEntropy(net.apply(x, p, { logits: true }), y);
const train = sn.compile((p: ReadonlyMap<string, sn.Variable>, x: sn.Variable, y: sn.Variable) => {
  const { value, grads } = sn.valueAndGrad(lossOfNet)(p, x, y);
  return { loss: value, p: sn.mapTensors((each, g) => sub(each, mul(g, 0.5)), p, grads[0]) };
});
const state = await train(net.parameters(), x, y);
for (let i = 1; i < 1000; i++) await train(state.p, x, y, { into: state });
train.dispose();
net.setParameters(state.p);
const { accuracy } = await net.evaluate({ x, y });
console.log('accuracy of the network:', accuracy?.toFixed(3));
