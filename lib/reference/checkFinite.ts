import { StridenetError, show } from '../errors.ts';
import { need } from '../ops/operator.ts';
import type { ReferenceKernel } from './kernel.ts';

/** Throws ERR_NON_FINITE at the first element that is NaN or infinite. */
export const checkFinite: ReferenceKernel = (inputs) => {
  const x = need(inputs[0]);
  for (let i = 0; i < x.size; i++) {
    if (!Number.isFinite(x.data[i])) {
      throw new StridenetError(
        'ERR_NON_FINITE',
        `[checkFinite] element ${i} of ${x.size} is ${show(x.data[i])}`,
      );
    }
  }
};
