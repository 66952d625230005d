import { argumentError, checkOptions, shapeError } from '../errors.ts';
import { gather } from '../ops/gather.ts';
import { checkInteger, formatShape } from '../shape.ts';
import { type Layer, makeLayer, type NameOption } from './layer.ts';

/** Settings of a layer that selects channels. */
export interface SelectChannelsOptions extends NameOption {
  /** The channels of the input, from 0, in the output's order; one may be named repeatedly. */
  channels: readonly number[];
}

/**
 * Channels of the input by their numbers: (C,…) → (channels.length,…).
 * @throws ERR_ARGUMENT for a list that is none or empty
 */
export function selectChannels(options: SelectChannelsOptions): Layer {
  const where = 'selectChannels';
  checkOptions(where, options, ['channels', 'name']);
  if (!Array.isArray(options.channels) || options.channels.length === 0) {
    throw argumentError(where, 'channels to be a list of channels', options.channels);
  }
  const channels = options.channels.map((channel, i) =>
    checkInteger(where, `channels[${i}]`, channel, 0),
  );
  const settings = { ...options, channels };
  const last = Math.max(...channels);
  return makeLayer({
    kind: where,
    options: settings,
    parameters(input) {
      if (last < (input[0] ?? 0)) return [];
      throw shapeError(where, `the input ${formatShape(input)} has no channel ${last}`);
    },
    forward: (x) => gather(x, channels, { axis: 1 }),
  });
}
