import { argumentError, checkOptions, shapeError } from '../errors.ts';
import { batchNorm } from '../ops/batchNorm.ts';
import { formatShape, type Shape } from '../shape.ts';
import { full, type Tensor, tensor } from '../tensor.ts';
import { type Layer, makeLayer, type NameOption } from './layer.ts';

/** Settings of normalization by fixed numbers; `await sn.data.statistics(data)` gives them. */
export interface NormalizationLayerOptions extends NameOption {
  /** Of each channel, in units of what comes in; one number is for all. */
  mean: number | readonly number[];
  /** Standard deviation of each channel, above 0; one number is for all. */
  std: number | readonly number[];
}

const where = 'normalization';

/** Throws ERR_ARGUMENT unless `value` is a finite number, or a list of them, above `low`. */
function checkNumbers(name: string, value: unknown, low: number): void {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const above = low === Number.NEGATIVE_INFINITY ? '' : ` above ${low}`;
  if (list.length === 0) throw argumentError(where, `${name} to have a number a channel`, value);
  for (const each of list) {
    if (Number.isFinite(each) && (each as number) > low) continue;
    const constant = name === 'std' && each === 0;
    const advice = constant ? ': give 1 to a channel whose values are all the same' : '';
    throw argumentError(where, `${name} to be finite numbers${above}`, each, advice);
  }
}

/** The channels of (C), (C,L) or (C,H,W). Throws ERR_SHAPE unless the settings are for as many. */
function channelsOf(input: Shape, { mean, std }: NormalizationLayerOptions): number {
  const [channels] = input;
  if (channels === undefined || input.length > 3) {
    const needed = '(C), (C,L) or (C,H,W) is needed';
    throw shapeError(where, `${needed} but the input is ${formatShape(input)}`);
  }
  for (const [name, value] of Object.entries({ mean, std })) {
    if (typeof value === 'number' || value.length === channels) continue;
    const counts = `${name} is for ${value.length} channels`;
    throw shapeError(where, `${counts} but the input is ${formatShape(input)}`);
  }
  return channels;
}

/**
 * (x − mean)/std of each channel of (C), (C,L) or (C,H,W), by numbers that never change: the network
 * keeps them, so that what it is given need not be normalized. Nothing is learned.
 * @throws ERR_ARGUMENT for numbers that are not finite, and a std that is not above 0
 */
export function normalization(options: NormalizationLayerOptions): Layer {
  checkOptions(where, options, ['mean', 'std', 'name']);
  checkNumbers('mean', options.mean, Number.NEGATIVE_INFINITY);
  checkNumbers('std', options.std, 0);
  const own = (value: number | readonly number[]) =>
    typeof value === 'number' ? value : [...value];
  const settings = { ...options, mean: own(options.mean), std: own(options.std) };
  return makeLayer({
    kind: where,
    options: settings,
    parameters(input) {
      channelsOf(input, settings);
      return [];
    },
    forward(x) {
      const channels = channelsOf(x.shape.slice(1), settings);
      const constant = (value: number | readonly number[], of = (each: number) => each): Tensor =>
        typeof value === 'number'
          ? full([channels], of(value), x.dtype)
          : tensor(value.map(of), [channels], x.dtype);
      const factor = constant(settings.std, (std) => 1 / std);
      return batchNorm(x, constant(settings.mean), constant(1), factor, null, { epsilon: 0 });
    },
  });
}
