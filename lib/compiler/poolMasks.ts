import { type Graph, GraphVariable } from '../graph/graph.ts';
import { maxPool2dOperator } from '../ops/maxPool2d.ts';
import { need, type Operator } from '../ops/operator.ts';
import type { Pair } from '../shape.ts';
import { poolOf } from './poolGradients.ts';
import { Rewriting } from './rewriting.ts';

/** A mask is a byte. */
const mostCells = 8;

/** x → y, masks (uint8): bit r·S + s of a window is whether that cell equals y. */
const maxPool2dMaskOperator: Operator = {
  name: 'maxPool2dMask',
  inputs: ['x'],
  outputs: ['y', 'masks'],
  layout: { inputs: [0], outputs: [0, 1] },
  infer: (inputs, attributes) => maxPool2dOperator.infer(inputs, attributes as never),
};

/** dy, masks → dx: each cell whose bit is set gets dy, whole ('all') or its part ('split'). */
const maxPool2dMaskGradientOperator: Operator = {
  name: 'maxPool2dMaskGradient',
  inputs: ['dy', 'masks'],
  outputs: ['dx'],
  layout: { inputs: [0, 1], outputs: [0] },
  infer([dy], { inputSize }) {
    const { shape, dtype, batched } = need(dy);
    return [{ shape: [...shape.slice(0, 2), ...(inputSize as Pair)], dtype, batched }] as never;
  },
};

/**
 * Max pools whose gradient goes to all equal cells keep which these are, a bit each, where a window
 * has at most 8: what is pooled, and what it is pooled to, need not be kept for the gradient, nor
 * compared in it.
 */
export function maskTies(graph: Graph): Graph {
  const rewriting = new Rewriting(graph);
  for (const gradient of rewriting.named(['maxPool2dTieGradient'])) {
    const pool = poolOf(gradient, rewriting);
    if (pool?.operator.name !== 'maxPool2d') continue;
    const [h, w] = pool.attributes.kernelSize as Pair;
    const [y, winners] = pool.outputs as [GraphVariable, GraphVariable];
    if (h * w > mostCells || rewriting.isNeeded(winners)) continue;
    const known = rewriting.replacement(pool);
    const masks =
      known === pool
        ? new GraphVariable(winners.tracer, winners, null, 'maxPool2dMask')
        : (known.outputs[1] as GraphVariable);
    rewriting.replace(pool, {
      ...{ ...pool, operator: maxPool2dMaskOperator, outputs: [y, masks], parts: [pool] },
      attributes: { ...pool.attributes, ties: need(gradient.attributes.ties) },
    });
    rewriting.replace(gradient, {
      ...gradient,
      operator: maxPool2dMaskGradientOperator,
      inputs: [gradient.inputs[0] as GraphVariable, masks],
      parts: [gradient],
    });
  }
  return rewriting.result();
}
