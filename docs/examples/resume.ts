// A training that may be killed at any moment: run it again, and it goes on from where it was, to the
// bits that it would have had without.
// Run: node --import tsx docs/examples/resume.ts [folder] [epochs] (in the npm package, import from 'stridenet')
import { createHash } from 'node:crypto';
import * as sn from '../../lib/index.ts';

const [directory = 'run-1', epochs = '5'] = process.argv.slice(2);
const { train, test } = await sn.data.mnist();
const net = sn.models.lenet5({ seed: 1 });

await net.fit(sn.data.slice(train, 0, 10_000), {
  epochs: Number(epochs),
  batchSize: 100,
  optimizer: sn.optimizers.adam(1e-3),
  schedule: sn.schedules.cosine(),
  augmentation: [sn.augmentations.shift({ x: 2, y: 2 })],
  checkpoint: { directory, everySteps: 50, keep: 2 },
  resume: true,
  callbacks: {
    onStart: ({ step }) => {
      if (step > 0) console.log(`goes on after step ${step}`);
    },
    onCheckpoint: ({ step }) => console.log(`checkpoint of step ${step}`),
  },
});

const { accuracy = 0 } = await net.evaluate(test);
const hash = createHash('sha256');
for (const { data } of net.parameters().values()) hash.update(data);
console.log(`test accuracy ${(100 * accuracy).toFixed(2)} %, weights ${hash.digest('hex')}`);
