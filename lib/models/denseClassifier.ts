import { type Initializer, normal } from '../initializers/index.ts';
import { activation } from '../layers/activation.ts';
import { dense } from '../layers/dense.ts';
import { dropout } from '../layers/dropout.ts';
import type { Layer } from '../layers/layer.ts';
import { sequential } from '../layers/sequential.ts';
import { checkInteger } from '../shape.ts';
import type { ClassifierOptions } from './model.ts';

/** Settings of networks that end in two wide dense layers and a third for the classes. */
export interface DenseClassifierOptions extends ClassifierOptions {
  /** Units of each of the two wide layers; default 4096. */
  hidden?: number;
  /** The rate of dropout; default 0.5. */
  dropout?: number;
}

/** The keys of DenseClassifierOptions that ClassifierOptions do not have. */
export const denseClassifierOptionNames = ['hidden', 'dropout'] as const;

/**
 * Dense, ReLU, dense, ReLU, dense, softmax as the layer 'classifier', with dropout before or after
 * each of the first two; weights of N(0, 0.01²).
 */
export function denseClassifier(
  name: string,
  classes: number,
  options: DenseClassifierOptions,
  how: { dropoutComes: 'before' | 'after'; biasInitializer?: Initializer },
): Layer {
  const { hidden = 4096, dropout: rate = 0.5 } = options;
  const units = checkInteger(name, 'hidden', hidden, 1);
  const { dropoutComes, ...rest } = how;
  const initializer = normal({ deviation: 0.01 });
  const wide = (): Layer[] => {
    const layers = [dense({ units, initializer, ...rest }), activation('relu')];
    const drop = dropout({ rate });
    return dropoutComes === 'before' ? [drop, ...layers] : [...layers, drop];
  };
  const last = dense({ units: classes, activation: 'softmax', initializer });
  return sequential({ name: 'classifier', layers: [...wide(), ...wide(), last] });
}
