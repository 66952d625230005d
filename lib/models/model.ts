import { checkOptions, within } from '../errors.ts';
import type { Layer } from '../layers/layer.ts';
import { checkInteger, type Shape } from '../shape.ts';
import { type Network, type SequentialOptions, sequential } from '../train/network.ts';

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

const sharedOptions = ['classes', 'inputShape', 'seed', 'dtype', 'backend', 'threads'];

/**
 * The network of a model's options.
 * @param name of the model, which errors begin with
 * @param own the names of the options that only this model has
 * @param layers its layers, for so many classes; they end in softmax, so that `predict` gives
 *   probabilities
 * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE for an image that is too small
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
  const settings: ModelOptions = Object.fromEntries(
    Object.entries(rest).filter(([key]) => !(own as readonly string[]).includes(key)),
  );
  return within(name, () => sequential({ ...settings, inputShape, layers: layers(classes) }));
}
