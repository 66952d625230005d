import { argumentError } from '../errors.ts';
import { multiplyAdds } from '../graph/cost.ts';
import { type GraphVariable, type Node, scoped, Tracer } from '../graph/graph.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import type { Shape } from '../shape.ts';
import { type FloatDType, zeros } from '../tensor.ts';
import { inLayer, type Layer, type LayerContext, type ParameterSpec } from './layer.ts';

/** A layer in its place. Shapes are of one sample. */
export interface PlacedLayer {
  readonly layer: Layer;
  /** What its parameters' names begin with: its name, else its number, after the block's prefix. */
  readonly key: string;
  /** "2 (dense)" or "2 (dense 'head')", for messages and tables. */
  readonly label: string;
  readonly input: Shape;
  readonly output: Shape;
  /** Named within the layer. */
  readonly parameters: readonly ParameterSpec[];
  /** Multiplications followed by an addition, forward, for one sample. */
  readonly multiplyAdds: number;
  /** Whether its output is memory of its own: not the input's, nor that of a layer within it. */
  readonly keepsValues: boolean;
  readonly inner: readonly PlacedLayer[];
}

/** A context outside of training, in which states do not change. */
export const inference: LayerContext = {
  training: false,
  step: zeros([], 'float64'),
  seed: 0,
  key: '',
  logits: null,
  holds: () => false,
  update: () => undefined,
};

function join(prefix: string, key: string): string {
  return prefix === '' ? key : `${prefix}.${key}`;
}

/** Layers one after the other, each input the output before. */
export class Block {
  /** Layers within each other at the deepest place; 0 without any. */
  readonly levels: number;
  readonly #layers: readonly Layer[];
  readonly #prefix: string;
  /** The layers in their places, by the shape and dtype of the input. */
  readonly #placed = new Map<string, readonly PlacedLayer[]>();

  /**
   * @param prefix what comes before the number or name of a layer in the names of its parameters
   * @throws ERR_ARGUMENT when `layers` is no list of layers, or two have one name
   */
  constructor(where: string, layers: unknown, prefix = '') {
    if (!Array.isArray(layers)) throw argumentError(where, 'a list of layers', layers);
    for (const [index, layer] of layers.entries()) {
      if (typeof layer?.forward === 'function' && typeof layer.parameters === 'function') continue;
      throw argumentError(where, `layers[${index}] to be a layer`, layer);
    }
    this.#layers = [...(layers as Layer[])];
    this.#prefix = prefix;
    this.levels = this.#layers.reduce((most, { levels = 1 }) => Math.max(most, levels), 0);
    const names = this.#layers.flatMap(({ name }) => (name === null ? [] : [name]));
    if (new Set(names).size !== names.length) {
      throw argumentError(where, 'every layer name once', names);
    }
  }

  get size(): number {
    return this.#layers.length;
  }

  /** The layers with every shape known. Throws ERR_SHAPE that names the layer that does not fit. */
  place(input: Shape, dtype: FloatDType): readonly PlacedLayer[] {
    const place = `${dtype} ${input}`;
    const known = this.#placed.get(place);
    if (known !== undefined) return known;
    const placed: PlacedLayer[] = [];
    for (const [index, layer] of this.#layers.entries()) {
      const key = join(this.#prefix, layer.name ?? String(index));
      const name = layer.name === null ? '' : ` '${layer.name}'`;
      const label = `${join(this.#prefix, String(index))} (${layer.title ?? layer.kind}${name})`;
      placed.push(placedLayer(layer, key, label, placed.at(-1)?.output ?? [...input], dtype));
    }
    this.#placed.set(place, placed);
    return placed;
  }

  /** The parameters of all layers, named by place: '0.weight'. */
  parameters(input: Shape, dtype: FloatDType): ParameterSpec[] {
    return this.place(input, dtype).flatMap(({ key, parameters }) =>
      parameters.map((parameter) => ({ ...parameter, name: `${key}.${parameter.name}` })),
    );
  }

  /** The output shape. */
  output(input: Shape, dtype: FloatDType): Shape {
    return this.place(input, dtype).at(-1)?.output ?? input;
  }

  /** The output of the last layer in operators; `values` has the parameters by name. */
  forward(x: Variable, values: Readonly<Record<string, Operand>>, context: LayerContext): Variable {
    const placed = this.place(x.shape.slice(1), x.dtype as FloatDType);
    return placed.reduce((input, { layer, key, label, parameters, input: shape }, index) => {
      const own = Object.fromEntries(
        parameters.map(({ name }) => [name, values[`${key}.${name}`] as Operand]),
      );
      const inside: LayerContext = {
        ...context,
        key: join(context.key, key),
        logits: index === placed.length - 1 ? context.logits : null,
        holds: (name) => context.holds(`${key}.${name}`),
        update: (name, value) => context.update(`${key}.${name}`, value),
      };
      return inLayer(label, shape, () => scoped(label, () => layer.forward(input, own, inside)));
    }, x);
  }
}

function placedLayer(
  layer: Layer,
  key: string,
  label: string,
  input: Shape,
  dtype: FloatDType,
): PlacedLayer {
  return inLayer(label, input, () => {
    const parameters = layer.parameters(input, dtype);
    const tracer = new Tracer();
    const x = tracer.input({ shape: [1, ...input], dtype, batched: true });
    const values = Object.fromEntries(
      parameters.map(({ name, shape }) => [name, tracer.input({ shape, dtype })]),
    );
    const y = layer.forward(x, values, inference) as GraphVariable;
    const inner = layer.inner(input, dtype);
    return {
      layer,
      key,
      label,
      input,
      output: y.shape.slice(1),
      parameters,
      multiplyAdds: multiplyAdds(tracer.nodes),
      keepsValues: makesValue(tracer.nodes, y, inner.length > 0),
      inner,
    };
  });
}

/** Whether `y` is computed outside of nested layers, aliases of a value aside. */
function makesValue(nodes: readonly Node[], y: GraphVariable, nested: boolean): boolean {
  let value = y;
  // Each node follows its operands, so one pass back through them finds all aliases.
  for (const { operator, inputs, outputs, scope } of nodes.toReversed()) {
    if (!outputs.includes(value)) continue;
    if (!operator.alias) return !nested || scope === '';
    value = inputs[0] as GraphVariable;
  }
  return false;
}
