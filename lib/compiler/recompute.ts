import { type Graph, GraphVariable, type Node } from '../graph/graph.ts';
import { need, type Operator } from '../ops/operator.ts';
import { elementCount } from '../shape.ts';
import { bufferBytes } from './program.ts';
import { Rewriting } from './rewriting.ts';

/** What is smaller is kept. */
const leastBytes = 1 << 20;
/**
 * Multiply-adds of the filter gradient by element of what it reads: below that computing it once
 * more, three times its bytes of traffic, would show in the time of the step.
 */
const leastMultiplyAdds = 500;

/** x, mean, normalizer, bias? → y of the `batchNormTraining` that gave mean and normalizer. */
const batchNormAgainOperator: Operator = {
  name: 'batchNormAgain',
  inputs: ['x', 'mean', 'normalizer', 'bias?'],
  outputs: ['y'],
  layout: { inputs: [0], outputs: [0] },
  inPlace: [[0, 0]],
  infer: ([x]) => [need(x)],
};

/** Whether a reader of what is normalized, and only it, belongs to the backward pass. */
function readsLate(reader: Node, y: GraphVariable): boolean {
  return reader.operator.name === 'conv2dFilterGradient' && reader.inputs[1] !== y;
}

/**
 * The filter gradient before which `norm` may be computed again: all others that read y come before
 * the backward pass, and x is there in any case, for the gradient of the normalization.
 */
function lateReader(rewriting: Rewriting, norm: Node): Node | null {
  const [y] = norm.outputs as [GraphVariable];
  const x = norm.inputs[0] as GraphVariable;
  if (norm.inputs[5] || !norm.outputs[5] || bufferBytes(y) < leastBytes) return null;
  const found = rewriting.inner(y);
  const late = found.filter((reader) => readsLate(reader, y));
  const [reader] = late;
  if (reader === undefined || late.length > 1) return null;
  const early = found.filter((other) => other !== reader);
  if (early.length === 0 || early.some(({ operator }) => operator.name.endsWith('Gradient'))) {
    return null;
  }
  const keepsX = rewriting
    .uses(x)
    .some((use) => use.operator.name === 'batchNormGradient' && rewriting.before(reader, use));
  const { operator, inputs, outputs, attributes } = reader;
  const multiplyAdds = operator.multiplyAdds?.(inputs, outputs, attributes) ?? 0;
  return keepsX && multiplyAdds >= leastMultiplyAdds * elementCount(y.shape) ? reader : null;
}

/**
 * The results of batch normalization that a filter gradient reads are not kept for it: it has them
 * computed again, bit by bit, from the operand, which the normalization's own gradient needs too.
 */
export function recomputeNormalizations(graph: Graph): Graph {
  const rewriting = new Rewriting(graph);
  for (const norm of rewriting.named(['batchNormTraining'])) {
    const reader = lateReader(rewriting, norm);
    if (reader === null) continue;
    const [y, mean, , , , normalizer] = norm.outputs as GraphVariable[];
    const [x = null, , , , bias = null] = norm.inputs;
    const again = new GraphVariable((y as GraphVariable).tracer, y as GraphVariable, null, 'again');
    const inputs = reader.inputs.map((input) => (input === y ? again : input));
    rewriting.replace(
      reader,
      {
        operator: batchNormAgainOperator,
        inputs: [x, mean as GraphVariable, normalizer as GraphVariable, bias],
        outputs: [again],
        attributes: { activation: norm.attributes.activation ?? 'none' },
        scope: norm.scope,
      },
      { ...reader, inputs },
    );
  }
  return rewriting.result();
}
