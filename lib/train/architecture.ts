import { argumentError } from '../errors.ts';
import { drawTensor } from '../initializers/initializer.ts';
import { Block, inference, type PlacedLayer } from '../layers/block.ts';
import type { Layer, LeftOut, ParameterSpec } from '../layers/layer.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import { Generator } from '../random.ts';
import { checkShape, elementCount, type Shape } from '../shape.ts';
import { elementBytes, type FloatDType, type Tensor } from '../tensor.ts';
import { checkTitles } from './customLayers.ts';

/** A parameter with its key in files, as PyTorch's Sequential names it: '0.weight'. */
export interface NetworkParameter extends ParameterSpec {
  readonly key: string;
}

/** A step of training that a network's output is part of. */
export interface TrainingContext {
  /** float64 (): the number of the step, from 1. */
  readonly step: Operand;
  /** Of dropout. */
  readonly seed: number;
  /** Whether the state of that key stays as it is; those of layers with `trainable: false` do. */
  holds?(key: string): boolean;
  /** Takes what a layer's state is after the step. */
  update(key: string, value: Operand): void;
}

/** How a network's output is traced. */
export interface ForwardOptions {
  /** Leave this activation, or any, out where the network ends in it; default null: none. */
  readonly logits?: LeftOut;
  /** Default: inference. */
  readonly training?: TrainingContext;
}

/** The layers of a network with every shape known; no values. */
export class Architecture {
  readonly inputShape: Shape;
  readonly dtype: FloatDType;
  readonly layers: readonly PlacedLayer[];
  /** All that is saved, states of layers too. */
  readonly parameters: readonly NetworkParameter[];
  readonly #block: Block;
  /** Keys of values of layers with `trainable: false`. */
  readonly #untrained: ReadonlySet<string>;

  /**
   * Throws ERR_SHAPE that names the layer whose input does not fit, ERR_ARGUMENT for custom layers
   * that a file could not tell apart.
   */
  constructor(inputShape: Shape, layers: readonly Layer[], dtype: FloatDType) {
    checkShape('sequential', inputShape);
    this.#block = new Block('sequential', layers);
    if (this.#block.size === 0) throw argumentError('sequential', 'a list of layers', layers);
    checkTitles('sequential', layers);
    this.inputShape = [...inputShape];
    this.dtype = dtype;
    this.layers = this.#block.place(this.inputShape, dtype);
    this.parameters = this.#block
      .parameters(this.inputShape, dtype)
      .map((parameter) => ({ ...parameter, key: parameter.name }));
    const untrained = this.parameters.filter(({ trainable }) => trainable === false);
    this.#untrained = new Set(untrained.map(({ key }) => key));
  }

  /** Of one sample. */
  get outputShape(): Shape {
    return this.#block.output(this.inputShape, this.dtype);
  }

  /**
   * Fresh values: each parameter has a stream of the seed to itself.
   * @param given values that take the place of fresh ones, which are then not drawn
   */
  initialize(seed: number, given: ReadonlyMap<string, Tensor> = new Map()): Map<string, Tensor> {
    return new Map(
      this.parameters.map(({ key, shape, fan, initializer }) => [
        key,
        given.get(key) ??
          drawTensor(
            key,
            initializer,
            shape,
            this.dtype,
            fan,
            new Generator(seed, `initialize/${key}`),
          ),
      ]),
    );
  }

  /** The network's output in operators. */
  forward(
    x: Variable,
    values: ReadonlyMap<string, Operand>,
    { logits = null, training }: ForwardOptions = {},
  ): Variable {
    const context =
      training === undefined
        ? { ...inference, logits }
        : {
            ...{ training: true, step: training.step, seed: training.seed, key: '', logits },
            holds: (key: string): boolean => this.#untrained.has(key) || !!training.holds?.(key),
            update: (key: string, value: Operand): void => training.update(key, value),
          };
    return this.#block.forward(x, Object.fromEntries(values), context);
  }

  /** Bytes of all parameters. */
  get parameterBytes(): number {
    const count = this.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    return count * elementBytes(this.dtype);
  }
}
