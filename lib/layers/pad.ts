import { argumentError, checkOptions } from '../errors.ts';
import { type PadOptions, pad as padded } from '../ops/pad.ts';
import { checkPair, type Pair, resolvePadding } from '../shape.ts';
import { channelsOf } from './filters.ts';
import { type Layer, makeLayer, type NameOption } from './layer.ts';

/** Settings of a padding layer. */
export interface PadLayerOptions extends PadOptions, NameOption {
  /**
   * Of images: cells on all sides, [vertical, horizontal], or [[top, bottom], [left, right]]. Of
   * signals: cells on both sides, or [before, after].
   */
  padding: number | Pair | readonly [Pair, Pair];
}

function pairs(padding: PadLayerOptions['padding'], rank: number): readonly Pair[] {
  if (typeof padding === 'string')
    throw argumentError('pad', 'padding to be a number or pairs', padding);
  if (rank === 2) return [checkPair('pad', 'padding', padding, 0)];
  const none: Pair = [1, 1];
  const geometry = { size: none, kernelSize: none, stride: none, dilation: none };
  const [top, bottom, left, right] = resolvePadding('pad', padding, geometry);
  return [
    [top, bottom],
    [left, right],
  ];
}

/**
 * Cells around images or signals: (C,H,W) → (C,H+…,W+…), (C,L) → (C,L+…); a constant, reflections
 * or repetitions of the edge.
 * @throws ERR_ARGUMENT for an option out of range
 */
export function pad(options: PadLayerOptions): Layer {
  checkOptions('pad', options, ['padding', 'mode', 'value', 'name']);
  const { padding, mode, value } = options;
  const settings = {
    ...(mode === undefined ? {} : { mode }),
    ...(value === undefined ? {} : { value }),
  };
  return makeLayer({
    kind: 'pad',
    options,
    parameters(input) {
      channelsOf('pad', input, input.length === 2 ? '(C,L)' : '(C,H,W)');
      return [];
    },
    forward: (x) => padded(x, pairs(padding, x.shape.length - 1), settings),
  });
}
