import { describe, expect, it } from 'vitest';
import * as sn from '../../lib/index.ts';
import { backends } from '../support/networks.ts';
import { loadGolden } from './load.ts';

const cases = loadGolden('scipy-convolution').map((golden) => [golden.name, golden] as const);

describe.each(backends)("A2: SciPy's modes by name on %s", (backend) => {
  it.each(cases)('%s', async (_, { attributes, inputs, outputs }) => {
    const { mode, flipKernel } = attributes;
    const [x, weight] = [inputs.x, inputs.weight].map((golden) =>
      sn.tensor(golden?.data ?? [], golden?.shape ?? [], 'float64'),
    ) as [sn.Tensor, sn.Tensor];
    const convolve = sn.compile(
      (image, filters) =>
        sn.ops.conv2d(image as sn.Variable, filters as sn.Variable, null, {
          padding: mode,
          flipKernel,
        }),
      { backend },
    );
    const y = (await convolve(x, weight)) as sn.Tensor;
    convolve.dispose();
    expect(y.shape).toEqual(outputs.y?.shape);
    // At most 3 * 3 * 3 products of magnitude 1 in a sum, added in another order.
    for (const [i, value] of (outputs.y?.data ?? []).entries()) {
      expect(Math.abs((y.data[i] as number) - value)).toBeLessThanOrEqual(1e-14);
    }
  });
});
