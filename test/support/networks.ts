import * as sn from '../../lib/index.ts';
import { Generator } from '../../lib/random.ts';

/** Backends of this machine; a missing addon is said, not hidden. */
export const backends: readonly sn.BackendName[] =
  sn.cpuInfo().addon === null ? ['reference'] : ['native', 'reference'];

/** Made images with labels that depend on them, so that there is something to learn. */
export function digits(
  samples: number,
  seed: number,
  dtype: 'float32' | 'float64' | 'uint8' = 'uint8',
): sn.Samples {
  const random = new Generator(seed, 'digits');
  const x = sn.zeros([samples, 1, 28, 28], dtype);
  const y = sn.zeros([samples], 'int32');
  for (let n = 0; n < samples; n++) {
    const label = random.integer(10);
    y.data[n] = label;
    for (let h = 6; h < 22; h++) {
      for (let w = 6; w < 22; w++) {
        const bright = Math.floor((h - 6) / 4) * 4 + Math.floor((w - 6) / 4) === label;
        const pixel = random.integer(96) + (bright ? 128 : 0);
        x.data[(n * 28 + h) * 28 + w] = dtype === 'uint8' ? pixel : pixel / 255;
      }
    }
  }
  return { x, y };
}

/** ‖a − b‖₂ / ‖b‖₂ over all elements; 0 when both are zero. */
export function relativeDistance(a: sn.Tensor, b: sn.Tensor): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.size; i++) {
    difference += ((a.data[i] as number) - (b.data[i] as number)) ** 2;
    norm += (b.data[i] as number) ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}

/** The bits of all parameters, as one text. */
export function bits(parameters: ReadonlyMap<string, sn.Tensor>): string {
  return [...parameters]
    .map(([key, { data }]) => {
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      return `${key}:${bytes.toString('base64')}`;
    })
    .join('\n');
}

/** Two convolutions, a pool between them and a dense layer, for 28x28 images. */
export function small(options: Partial<sn.SequentialOptions> = {}): sn.Network {
  return sn.sequential({
    inputShape: [1, 28, 28],
    seed: 3,
    ...options,
    layers: [
      sn.layers.conv2d({ filters: 5, kernelSize: 5, stride: 2, padding: 1, activation: 'relu' }),
      sn.layers.maxPool2d({ kernelSize: 3, stride: 2 }),
      sn.layers.conv2d({ filters: 6, kernelSize: 3, padding: 'same', activation: 'relu' }),
      sn.layers.flatten(),
      sn.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
}
