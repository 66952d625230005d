// Gradients of a function, and their check by central differences.
// Run: node --import tsx docs/examples/gradient.ts (in the npm package, import from 'stridenet')
import * as sn from '../../lib/index.ts';

// Loss of a dense layer with ReLU on one sample, as a function of its weights and bias.
const x = sn.tensor([[1, -2, 3]], [1, 3], 'float64');
const target = sn.tensor([[0.5, 1]], [1, 2], 'float64');
const loss = (weight: sn.Variable, bias: sn.Variable) =>
  sn.ops.squaredError(sn.ops.relu(sn.ops.linear(x, weight, bias)), target, { reduction: 'sum' });

const weight = sn.tensor(
  [
    [0.1, 0.2, 0.3],
    [-0.4, 0.5, 0.6],
  ],
  [2, 3],
  'float64',
);
const bias = sn.tensor([0.1, 0.2], [2], 'float64');
const { value, grads } = sn.valueAndGrad(loss)(weight, bias);
console.log('loss', value.item());
console.log('d loss / d weight', grads[0].toArray());
console.log('d loss / d bias', grads[1].toArray());

const { maxError } = sn.gradientCheck(loss, [weight, bias]);
console.log('largest relative error against central differences', maxError);
