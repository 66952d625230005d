// An operator of one's own: gradient reversal (Ganin and Lempitsky 2015).
// Run: node --import tsx docs/examples/own-operator.ts (in the npm package, import from 'stridenet')
import * as sn from '../../lib/index.ts';

const reverseGradient = sn.defineOperator({
  name: 'reverseGradient',
  inputs: ['x'],
  attributes: { factor: 1 },
  infer: ([x]) => [x],
  loops([x], [y]) {
    for (let i = 0; i < x.size; i++) y.data[i] = x.data[i] as number;
  },
  gradient: ({ gradients: [dy], attributes }) => [sn.ops.mul(dy, -attributes.factor)],
  composition: ([x]) => x,
});

const x = sn.tensor([1, 2, 3]);
console.log('value', reverseGradient(x).toArray());

const loss = (v: sn.Variable) => sn.ops.sum(sn.ops.square(reverseGradient(v, { factor: 0.5 })));
for (const backend of ['native', 'reference'] as const) {
  const [gradient] = sn.grad(loss, { backend })(x);
  console.log(backend, 'gradient', gradient?.toArray());
}
