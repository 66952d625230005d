import * as sn from '../../lib/index.ts';

/** Residuals within each other, of so many levels with the ReLU that they end with. */
export function nested(levels: number): sn.Layer {
  let layer: sn.Layer = sn.layers.activation('relu');
  for (let level = 1; level < levels; level++) layer = sn.layers.residual({ layers: [layer] });
  return layer;
}

/** The same as a configuration has them. */
export function nestedSettings(levels: number): object {
  let layer: object = { kind: 'activation', activation: 'relu' };
  for (let level = 1; level < levels; level++) layer = { kind: 'residual', layers: [layer] };
  return layer;
}

/** The same as a file has them. */
export function nestedDescription(levels: number): object {
  let layer: object = { kind: 'activation', options: { activation: 'relu' } };
  for (let level = 1; level < levels; level++) {
    layer = { kind: 'residual', options: { layers: [layer] } };
  }
  return layer;
}

/** JSON of lists within each other, which JSON.stringify could not write. */
export function nestedLists(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels);
}
