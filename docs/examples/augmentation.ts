// Augmentation where samples are few: 500 digits, as they are and augmented.
// Run: node --import tsx docs/examples/augmentation.ts (in the npm package, import from 'stridenet')
import * as sn from '../../lib/index.ts';

const { train, test } = await sn.data.mnist();
const [few, unseen] = [sn.data.slice(train, 0, 500), sn.data.slice(test, 0, 2000)];
const { affine, cutout } = sn.augmentations;
const augmentation = [
  affine({ degrees: 12, translate: 0.1, scale: [0.9, 1.1], shear: 8 }),
  cutout({ size: 6, probability: 0.5 }),
];

for (const [name, list] of [
  ['as they are', []],
  ['augmented', augmentation],
] as const) {
  const net = sn.models.lenet5({ seed: 1 });
  const optimizer = sn.optimizers.adam(2e-3);
  await net.fit(few, { epochs: 60, batchSize: 50, seed: 1, optimizer, augmentation: list });
  const { accuracy = 0 } = await net.evaluate(unseen);
  console.log(`${name}: test accuracy ${(100 * accuracy).toFixed(2)} %`);
}
