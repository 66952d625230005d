import { need } from '../ops/operator.ts';
import { firstLargest, sizes2 } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';
import { labelOf } from './softmaxCrossEntropy.ts';

/** The number of samples whose first largest logit is at the label, or at the first largest target. */
export const countCorrect: ReferenceKernel = (inputs, outputs) => {
  const [logits, labels, count] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const [N, C] = sizes2(logits);
  let correct = 0;
  for (let n = 0; n < N; n++) {
    const label =
      labels.shape.length === 1
        ? labelOf('countCorrect', labels, n, C)
        : firstLargest(labels.data, n * C, C);
    if (firstLargest(logits.data, n * C, C) === label) correct++;
  }
  count.data[0] = correct;
};
