import { argumentError, checkOptions, within } from '../errors.ts';
import { branches } from '../layers/branches.ts';
import { type Conv2dLayerOptions, conv2d } from '../layers/conv2d.ts';
import { commonOptionNames, type Layer } from '../layers/layer.ts';
import { selectChannels } from '../layers/selectChannels.ts';
import { conv2dOptionNames } from '../ops/conv2d.ts';
import type { Network } from '../train/network.ts';
import { type Lenet5Options, lenet } from './lenet5.ts';

/** The maps of S2 that each map of C3 sees (LeCun and others 1998, table I, by column). */
export const lenet5Connections: readonly (readonly number[])[] = Object.freeze(
  [
    [0, 1, 2],
    [1, 2, 3],
    [2, 3, 4],
    [3, 4, 5],
    [0, 4, 5],
    [0, 1, 5],
    [0, 1, 2, 3],
    [1, 2, 3, 4],
    [2, 3, 4, 5],
    [0, 3, 4, 5],
    [0, 1, 4, 5],
    [0, 1, 2, 5],
    [0, 1, 3, 4],
    [1, 2, 4, 5],
    [0, 2, 3, 5],
    [0, 1, 2, 3, 4, 5],
  ].map((channels) => Object.freeze(channels)),
);

/** The options of partialConv2d: those of a convolution, whose filters and groups the table says. */
const optionNames = ['kernelSize', 'bias', ...conv2dOptionNames, ...commonOptionNames].filter(
  (option) => option !== 'groups',
);

/** Neighbouring entries of one length, together. */
function byLength<T>(lists: readonly (readonly T[])[]): (readonly T[])[][] {
  const groups: (readonly T[])[][] = [];
  for (const list of lists) {
    const last = groups.at(-1);
    if (last?.[0]?.length === list.length) last.push(list);
    else groups.push([list]);
  }
  return groups;
}

/**
 * A convolution each of whose filters sees its own list of the input's channels: (C,H,W) →
 * (connections.length,P,Q). Neighbouring filters that see equally many are a grouped convolution over
 * copies of their channels; parameters: '0.1.weight' (filters, channels seen, R, S) and '0.1.bias' of
 * the first of these, and so on.
 *
 * @param connections the channels of each filter, in the order of the output
 * @param options those of a convolution; its filters and groups are the table's
 * @throws ERR_ARGUMENT for an option that is none; the network throws ERR_SHAPE for a channel that the
 *   input does not have
 */
export function partialConv2d(
  connections: readonly (readonly number[])[],
  options: Omit<Conv2dLayerOptions, 'filters' | 'groups'>,
): Layer {
  if (!Array.isArray(connections) || !connections.every(Array.isArray)) {
    throw argumentError('partialConv2d', 'a list of channels of every filter', connections);
  }
  checkOptions('partialConv2d', options, optionNames);
  const { name, ...settings } = options;
  return within('partialConv2d', () =>
    branches({
      ...(name === undefined ? {} : { name }),
      branches: byLength(connections).map((group) => [
        selectChannels({ channels: group.flat() }),
        conv2d({ ...settings, filters: group.length, groups: group.length }),
      ]),
    }),
  );
}

/**
 * LeNet-5 with the published table of connections (LeCun, Bottou, Bengio and Haffner, "Gradient-based
 * learning applied to document recognition", 1998): the 16 maps of C3 see 3, 4 or all 6 of the maps
 * before them, which breaks their symmetry. 60,806 parameters, of which C3 has 1,516, and 326,520
 * multiply-adds; the parameters of C3 are '2.0.1.weight' (6,3,5,5), '2.1.1.weight' (9,4,5,5) and
 * '2.2.1.weight' (1,6,5,5), with their biases.
 *
 * In all else it is `lenet5`, and differs from the paper in what that does.
 *
 * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE for an image below 12x12
 */
export function lenet5Original(options: Lenet5Options = {}): Network {
  return lenet('lenet5Original', options, (settings) =>
    partialConv2d(lenet5Connections, { kernelSize: 5, ...settings }),
  );
}
