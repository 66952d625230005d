import { argumentError, checkOptions, shapeError } from '../errors.ts';
import { add } from '../ops/binary.ts';
import { formatShape, sameShape } from '../shape.ts';
import type { Activation } from './activations.ts';
import { Block } from './block.ts';
import {
  checkName,
  type Layer,
  type LearnedOptions,
  learnedOptionNames,
  makeLayer,
} from './layer.ts';

/** Settings of a residual block. */
export interface ResidualOptions extends LearnedOptions {
  /** F: what the shortcut passes by. */
  layers: readonly Layer[];
  /** What makes the input fit the output of `layers`; default: nothing, the input itself. */
  shortcut?: readonly Layer[];
  /** Of the sum; default 'linear': none. */
  activation?: Activation;
  /** What the parameters' names of `layers` begin with; default 'body', null for nothing. */
  bodyName?: string | null;
  /** What those of `shortcut` begin with; default 'shortcut'. */
  shortcutName?: string;
}

/** The two sides of the sum. */
function sidesOf(options: ResidualOptions): { body: Block; shortcut: Block } {
  const { layers, shortcut: passing = [], bodyName = 'body', shortcutName = 'shortcut' } = options;
  const own = checkName('residual', bodyName, 'bodyName') ?? '';
  const other = checkName('residual', shortcutName, 'shortcutName');
  const body = new Block('residual', layers, own);
  const taken = own === '' ? layers.map(({ name }) => name) : [own];
  if (other === null || taken.includes(other)) {
    throw argumentError('residual', 'a shortcutName that no other layer has', shortcutName);
  }
  return { body, shortcut: new Block('residual, shortcut', passing, other) };
}

/**
 * activation(F(x) + shortcut(x)) (He, Zhang, Ren, Sun 2016). Parameters: 'body.0.weight' and so on,
 * 'shortcut.0.weight' and so on, or as `bodyName` and `shortcutName` say.
 * @throws ERR_ARGUMENT for an option that is none; the network throws ERR_SHAPE when the two sides
 *   of the sum have different shapes
 */
export function residual(options: ResidualOptions): Layer {
  checkOptions('residual', options, [
    'layers',
    'shortcut',
    'activation',
    'bodyName',
    'shortcutName',
    ...learnedOptionNames,
  ]);
  const { body, shortcut } = sidesOf(options);
  return makeLayer({
    kind: 'residual',
    options,
    blocks: [body, shortcut],
    parameters(input, dtype) {
      const [f, s] = [body.output(input, dtype), shortcut.output(input, dtype)];
      if (!sameShape(f, s)) {
        throw shapeError(
          'residual',
          `the layers give ${formatShape(f)} but the shortcut ${formatShape(s)}: shapes must be the same to be added`,
        );
      }
      return [...body.parameters(input, dtype), ...shortcut.parameters(input, dtype)];
    },
    forward(x, values, context) {
      const inside = { ...context, logits: null };
      return add(body.forward(x, values, inside), shortcut.forward(x, values, inside));
    },
  });
}
