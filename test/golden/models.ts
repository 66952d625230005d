import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as sn from '../../lib/index.ts';
import { elementCount } from '../../lib/shape.ts';

/** A network in inference and in a step of training, by PyTorch in float64 (README.md). */
export interface GoldenModel {
  readonly name: string;
  /** The name in sn.models. */
  readonly model: Exclude<keyof typeof sn.models, 'lenet5Connections'>;
  readonly options: { readonly inputShape: sn.Shape; readonly classes: number };
  readonly batch: number;
  readonly seed: number;
  /** How far PyTorch's float32 is from its float64. */
  readonly float32: number;
  /** By name: what `summarizeModel` gives. */
  readonly values: Readonly<Record<string, readonly number[]>>;
}

/** The cases of models.json. */
export function loadModels(): GoldenModel[] {
  const file = fileURLToPath(new URL('./models.json', import.meta.url));
  return (JSON.parse(readFileSync(file, 'utf8')) as { cases: GoldenModel[] }).cases;
}

function filled(shape: sn.Shape, draw: () => number): sn.Tensor {
  const made = sn.zeros(shape);
  for (let i = 0; i < made.size; i++) made.data[i] = draw();
  return made;
}

/** The parameter or state of that key as `value` of make_models.py makes it, in float32. */
export function modelValue(seed: number, key: string, shape: sn.Shape): sn.Tensor {
  const random = new sn.Generator(seed, `golden/${key}`);
  if (shape.length > 1) {
    const deviation = Math.sqrt(2 / elementCount(shape.slice(1)));
    return filled(shape, () => random.normal() * deviation);
  }
  const isFactor = key.endsWith('.weight') || key.endsWith('.running_var');
  return filled(shape, () => (isFactor ? 0.5 + random.uniform() : 0.4 * random.uniform() - 0.2));
}

/** The images and class numbers of a case, in float32. */
export function modelData({ seed, batch, options }: GoldenModel): sn.Samples {
  const [images, labels] = ['x', 'labels'].map(
    (stream) => new sn.Generator(seed, `golden/${stream}`),
  ) as [sn.Generator, sn.Generator];
  const x = filled([batch, ...options.inputShape], () => images.normal());
  const y = sn.zeros([batch], 'int32');
  for (let n = 0; n < batch; n++) y.data[n] = Math.floor(labels.uniform() * options.classes);
  return { x, y };
}

/**
 * Numbers that tell a tensor: its 2-norm; the sum of its elements with signs by the bits of Philox's
 * words, which is about as wrong as the tensor is in its norm; two elements.
 */
export function summarizeModel(seed: number, key: string, data: ArrayLike<number>): number[] {
  const random = new sn.Generator(seed, `sign/${key}`);
  let [squares, projection, word] = [0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    if (i % 32 === 0) word = random.word();
    const value = data[i] as number;
    squares += value * value;
    projection += (word >>> (i % 32)) & 1 ? -value : value;
  }
  const places = [1, 3].map((part) => Math.floor((part * data.length) / 4));
  return [Math.sqrt(squares), projection, ...places.map((place) => data[place] as number)];
}
