import { warpAffine } from '../ops/warpAffine.ts';
import type { Generator } from '../random.ts';
import { imageSize, type SampleSpec, type Stage } from './augmentation.ts';
import { type Geometry, product } from './maps.ts';

/**
 * Geometries that follow each other, as one warp.
 * @throws ERR_SHAPE when the samples are no images
 */
export function warpStage(where: string, group: readonly Geometry[], samples: SampleSpec): Stage {
  const [H, W] = imageSize(where, samples);
  const bilinear = group.some(({ mode }) => mode === 'bilinear');
  const mode = bilinear ? 'bilinear' : 'nearest';
  const fill = group.find((member) => member.fill !== null)?.fill ?? 0;
  return {
    inputs: (batch) => [{ shape: [batch, 6], dtype: 'float64', batched: true }],
    draw(stream, count, [matrices]) {
      const randoms = group.map((_, member) => stream(member));
      for (let n = 0; n < count; n++) {
        const own = group.map((member, i) => member.matrix(randoms[i] as Generator, H, W));
        (matrices as Float64Array).set(own.reduce(product), 6 * n);
      }
    },
    trace: ({ x, y }, [matrices]) => ({
      x: warpAffine(x, matrices as never, { mode, fill }),
      y,
    }),
  };
}
