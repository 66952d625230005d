// LeNet-5 of 1998 on MNIST: the maps of its second convolution see what the published table says.
// Run: node --import tsx docs/examples/lenet-original.ts [epochs] (in the npm package, import from
// 'stridenet')
import * as sn from '../../lib/index.ts';

const epochs = Number(process.argv[2] ?? 10);
const net = sn.models.lenet5Original({ seed: 1 });

console.log('which maps of S2 (rows) each map of C3 (columns) sees');
for (let map = 0; map < 6; map++) {
  const marks = sn.models.lenet5Connections.map((seen) => (seen.includes(map) ? 'X' : '·'));
  console.log(' ', marks.join(' '));
}
console.log(net.summary());

const { train, test } = await sn.data.mnist();
const optimizer = sn.optimizers.adam(2e-3);
await net.fit(train, {
  ...{ epochs, batchSize: 100, optimizer },
  callbacks: {
    onEpoch({ epoch, loss, seconds }) {
      console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}, ${seconds.toFixed(1)} s`);
      optimizer.learningRate *= 0.75;
    },
  },
});
const { accuracy = 0 } = await net.evaluate(test);
console.log(`test accuracy ${(100 * accuracy).toFixed(2)} %`);
