// A function as a graph: drawn, evaluated with the adjoint of every node, differentiated, compiled.
// Run: node --import tsx docs/examples/computation-graph.ts (in the npm package, import from 'stridenet')
import * as sn from '../../lib/index.ts';

const { add, linear, mul, sin, square, tanh } = sn.ops;

// f(x1, x2, θ) = sin(θ·x1 + x2) + θ·x2²
const f = (x1: sn.Operand, x2: sn.Operand, theta: sn.Operand) =>
  add(sin(add(mul(theta, x1), x2)), mul(theta, square(x2)));

const scalar = { shape: [], dtype: 'float64' } as const;
const graph = sn.trace(f, ...['x1', 'x2', 'θ'].map((name) => ({ ...scalar, name })));
const number = (value: number) => sn.tensor(value, [], 'float64');
const [x1, x2, theta] = [number(2), number(0.5), number(3)];
const evaluation = graph.evaluate(x1, x2, theta);
console.log(graph.toMermaid({ values: evaluation }));
console.log(`${evaluation}\n`);

const { values, adjoints, order } = evaluation;
console.log('visited:', order.map((node) => graph.nameOf(node)).join(' '));
console.log('value of sin:', values.get(graph.named('sin'))?.item().toFixed(4));
console.log('t of θ:', adjoints.get(graph.named('θ'))?.item().toFixed(4));

const { value, grads } = sn.valueAndGrad(f)(x1, x2, theta);
console.log('f:', value.item().toFixed(4));
console.log('gradient:', grads.map((each) => each?.item().toFixed(4)).join(' '));

const along = (x: sn.Variable) => f(x, x2, theta);
const second = sn.grad(sn.grad(along));
console.log('∂²f/∂x1²:', second(x1)[0]?.item().toFixed(4));

const compiled = sn.compile(f);
console.log('compiled:', (await compiled(x1, x2, theta)).item().toFixed(4));
compiled.dispose();

type Layer = { w: sn.Operand; b: sn.Operand };
const perceptron = (layers: Layer[], x: sn.Operand) =>
  layers.reduce((y, { w, b }) => tanh(linear(y, w, b)), x);
const layer = (from: number, to: number) => ({ w: sn.zeros([to, from]), b: sn.zeros([to]) });
const nested = sn.trace(perceptron, [layer(4, 8), layer(8, 3)], sn.zeros([1, 4]));
console.log('inputs:', nested.inputs.map(({ variable }) => variable.name).join(' '));

const net = sn.models.mnist();
const digits = net.graph({ batch: 100, loss: sn.losses.softmaxCrossEntropy() });
console.log(`\n${digits}\n`);

const { forward, backward, total } = digits.cost();
console.log('multiply-adds:', forward.multiplyAdds, 'and', backward.multiplyAdds);
console.log('peak:', (total.peakBytes / 2 ** 20).toFixed(1), 'MiB');
