import { describeLayer, type LayerDescription } from '../layers/registry.ts';
import type { Shape } from '../shape.ts';
import type { FloatDType } from '../tensor.ts';
import type { Architecture } from './architecture.ts';

/** What a file says of a network besides its parameters. */
export interface Description {
  readonly inputShape: Shape;
  readonly dtype: FloatDType;
  readonly layers: readonly LayerDescription[];
}

/** An architecture as plain data. */
export function descriptionOf({ inputShape, dtype, layers }: Architecture): Description {
  return { inputShape, dtype, layers: layers.map(({ layer }) => describeLayer(layer)) };
}
