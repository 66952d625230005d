import * as sn from '../../lib/index.ts';

const { layers, ops } = sn;

/** A learned factor for each channel, and x times its own sigmoid. */
export const scaled = (options: sn.layers.NameOption & { trainable?: boolean } = {}) =>
  layers.custom(scaledForward, {
    ...options,
    title: 'scaled',
    parameters: {
      scale: { shape: ([c = 0]) => [c, 1, 1], initializer: sn.initializers.constant(1.5) },
    },
  });
const scaledForward: sn.layers.CustomForward<'scale'> = (x, { scale }) =>
  ops.mul(ops.mul(x, scale), ops.sigmoid(x));

export function networkOf(
  given: readonly sn.layers.Layer[],
  options: Partial<sn.SequentialOptions> = {},
): sn.Network {
  return sn.sequential({
    inputShape: [2, 4, 4],
    seed: 3,
    backend: 'reference',
    layers: given,
    ...options,
  });
}
