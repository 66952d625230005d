import { checkOptions, shapeError, within } from '../errors.ts';
import type { Layer } from '../layers/layer.ts';
import { checkInteger, type Shape } from '../shape.ts';
import { type Network, sequential } from '../train/network.ts';
import { runtimeOptionNames, type SequentialOptions } from '../train/networkOptions.ts';
import { channelsFirstAdvice } from '../train/shapeAdvice.ts';

/** Settings of a ready-made network. */
export type ModelOptions = Omit<SequentialOptions, 'inputShape' | 'layers'>;

/** Settings of a ready-made network that tells classes of images apart. */
export interface ClassifierOptions extends ModelOptions {
  /** What it tells apart; the default is that of the paper's data. */
  classes?: number;
  /** (C,H,W) of one image; the default is the paper's. */
  inputShape?: Shape;
}

/** What a network is unless its options say otherwise. */
export interface ClassifierDefaults {
  readonly classes: number;
  readonly inputShape: Shape;
}

const sharedOptions = ['classes', 'inputShape', ...runtimeOptionNames];

/** Throws ERR_SHAPE for a shape that looks like (H,W,C), as images of many programs are. */
function checkChannelsFirst(name: string, shape: Shape): void {
  const advice = Array.isArray(shape) ? channelsFirstAdvice(shape) : null;
  if (advice !== null) throw shapeError(name, advice);
}

/**
 * The network of a model's options.
 * @param name of the model, which errors begin with
 * @param own the names of the options that only this model has
 * @param layers its layers, for so many classes; they end in softmax, so that `predict` gives
 *   probabilities
 * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE for an image of which nothing is
 *   left before a layer without padding, or that has its channels last
 */
export function classifier<O extends ClassifierOptions>(
  name: string,
  options: O,
  defaults: ClassifierDefaults,
  own: readonly (keyof O & string)[],
  layers: (classes: number) => readonly Layer[],
): Network {
  checkOptions(name, options, [...sharedOptions, ...own]);
  const { classes = defaults.classes, inputShape = defaults.inputShape, ...rest } = options;
  checkInteger(name, 'classes', classes, 1);
  checkChannelsFirst(name, inputShape);
  const settings: ModelOptions = Object.fromEntries(
    Object.entries(rest).filter(([key]) => !(own as readonly string[]).includes(key)),
  );
  return within(name, () => sequential({ ...settings, inputShape, layers: layers(classes) }));
}
