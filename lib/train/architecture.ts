import { argumentError } from '../errors.ts';
import { type GraphVariable, type Node, scoped, Tracer } from '../graph/graph.ts';
import { drawTensor } from '../initializers/index.ts';
import { activate, inLayer, type Layer, type ParameterSpec } from '../layers/layer.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { Generator } from '../random.ts';
import { checkShape, elementCount, type Shape } from '../shape.ts';
import { elementBytes, type FloatDType, type Tensor } from '../tensor.ts';

/** A parameter with its key in files, as PyTorch's Sequential names it: '0.weight'. */
export interface NetworkParameter extends ParameterSpec {
  readonly key: string;
  readonly optimizer: Optimizer | null;
}

/** A layer in its place. Shapes are of one sample. */
export interface PlacedLayer {
  readonly layer: Layer;
  /** "2 (dense)" or "2 (dense 'head')", for messages and tables. */
  readonly label: string;
  readonly input: Shape;
  readonly output: Shape;
  readonly parameters: readonly NetworkParameter[];
  /** Multiplications followed by an addition, forward, for one sample. */
  readonly multiplyAdds: number;
}

/** What a layer takes and gives, for one sample. */
export interface LayerSummary {
  readonly name: string;
  readonly outputShape: Shape;
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/** The layers of a network with every shape known; no values. */
export class Architecture {
  readonly inputShape: Shape;
  readonly dtype: FloatDType;
  readonly layers: readonly PlacedLayer[];
  readonly parameters: readonly NetworkParameter[];

  /** Throws ERR_SHAPE that names the layer whose input does not fit. */
  constructor(inputShape: Shape, layers: readonly Layer[], dtype: FloatDType) {
    checkShape('sequential', inputShape);
    if (!Array.isArray(layers) || layers.length === 0) {
      throw argumentError('sequential', 'a list of layers', layers);
    }
    this.inputShape = [...inputShape];
    this.dtype = dtype;
    const placed: PlacedLayer[] = [];
    for (const [index, layer] of layers.entries()) {
      if (typeof layer?.forward !== 'function') {
        throw argumentError('sequential', `layers[${index}] to be a layer`, layer);
      }
      placed.push(place(layer, index, placed.at(-1)?.output ?? this.inputShape, dtype));
    }
    this.layers = placed;
    this.parameters = placed.flatMap(({ parameters }) => parameters);
    const keys = new Set(this.parameters.map(({ key }) => key));
    if (keys.size !== this.parameters.length) {
      throw argumentError('sequential', 'every layer name once', [...keys]);
    }
  }

  get outputShape(): Shape {
    return (this.layers.at(-1) as PlacedLayer).output;
  }

  /** Whether the network ends in a softmax, which a loss on logits takes over. */
  get endsInSoftmax(): boolean {
    return this.layers.at(-1)?.layer.activation === 'softmax';
  }

  /** Fresh values: each parameter has a stream of the seed to itself. */
  initialize(seed: number): Map<string, Tensor> {
    return new Map(
      this.parameters.map(({ key, shape, fan, initializer }) => [
        key,
        drawTensor(initializer, shape, this.dtype, fan, new Generator(seed, `initialize/${key}`)),
      ]),
    );
  }

  /** The network's output in operators; with `logits` without its final softmax. */
  forward(
    x: Variable,
    values: ReadonlyMap<string, Operand>,
    options: { logits?: boolean } = {},
  ): Variable {
    return this.layers.reduce((input, { layer, label, parameters, input: shape }, index) => {
      const isLast = index === this.layers.length - 1;
      const skipped = isLast && options.logits === true && layer.activation === 'softmax';
      return inLayer(label, shape, () =>
        scoped(label, () => {
          const own = Object.fromEntries(
            parameters.map(({ name, key }) => [name, values.get(key) as Operand]),
          );
          return activate(skipped ? 'linear' : layer.activation, layer.forward(input, own));
        }),
      );
    }, x);
  }

  /** One row a layer. */
  summarize(): LayerSummary[] {
    return this.layers.map(({ label, output, parameters, multiplyAdds }) => ({
      name: label,
      outputShape: output,
      parameters: parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0),
      multiplyAdds,
    }));
  }

  /** Bytes of all parameters. */
  get parameterBytes(): number {
    const count = this.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    return count * elementBytes(this.dtype);
  }
}

function place(layer: Layer, index: number, input: Shape, dtype: FloatDType): PlacedLayer {
  const label = `${index} (${layer.kind}${layer.name === null ? '' : ` '${layer.name}'`})`;
  return inLayer(label, input, () => {
    const parameters = layer.parameters(input).map((parameter) => ({
      ...parameter,
      key: `${layer.name ?? index}.${parameter.name}`,
      optimizer: layer.optimizer,
    }));
    const tracer = new Tracer();
    const x = tracer.input({ shape: [1, ...input], dtype, batched: true });
    const values = Object.fromEntries(
      parameters.map(({ name, shape }) => [name, tracer.input({ shape, dtype })]),
    );
    const y = activate(layer.activation, layer.forward(x, values)) as GraphVariable;
    return {
      layer,
      label,
      input,
      output: y.shape.slice(1),
      parameters,
      multiplyAdds: multiplyAdds(tracer.nodes),
    };
  });
}

/** The multiply-adds of all nodes, at the sizes they were recorded with. */
export function multiplyAdds(nodes: readonly Node[]): number {
  return nodes.reduce(
    (sum, { operator, inputs, outputs, attributes }) =>
      sum + (operator.multiplyAdds?.(inputs, outputs, attributes) ?? 0),
    0,
  );
}

/** The table of layers as text: layer, output shape, parameters, multiply-adds, and their sums. */
export function formatSummary(architecture: Architecture): string {
  const rows = architecture.summarize();
  const count = (value: number): string => value.toLocaleString('en-US');
  const total = (of: (row: LayerSummary) => number): number =>
    rows.reduce((sum, row) => sum + of(row), 0);
  const cells = [
    ['layer', 'output shape', 'parameters', 'multiply-adds'],
    ['input', `(${architecture.inputShape.join(', ')})`, '', ''],
    ...rows.map((row) => [
      row.name,
      `(${row.outputShape.join(', ')})`,
      count(row.parameters),
      count(row.multiplyAdds),
    ]),
    ['total', '', count(total((row) => row.parameters)), count(total((row) => row.multiplyAdds))],
  ];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...cells.map((row) => (row[column] as string).length)),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, column) =>
        column < 2
          ? cell.padEnd(widths[column] as number)
          : cell.padStart(widths[column] as number),
      )
      .join('  ')
      .trimEnd(),
  );
  const rule = '─'.repeat(Math.max(...lines.map((line) => line.length)));
  return [lines[0], rule, ...lines.slice(1, -1), rule, lines.at(-1)].join('\n');
}
