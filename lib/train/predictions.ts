import { Tracer } from '../graph/graph.ts';
import type { FinalActivation, Loss } from '../losses/index.ts';
import { foldedBy } from '../losses/targets.ts';
import { sigmoid } from '../ops/math.ts';
import type { Variable } from '../ops/operator.ts';
import { softmax } from '../ops/softmax.ts';
import type { Architecture } from './architecture.ts';
import { parameterInputs } from './inputs.ts';

const activations = { softmax: (x: Variable) => softmax(x), sigmoid: (x: Variable) => sigmoid(x) };

/** Whether the network ends in this activation, so that a loss takes it within. */
function endsIn(architecture: Architecture, activation: FinalActivation): boolean {
  const { dtype, inputShape } = architecture;
  const [whole, without] = [null, activation].map((logits) => {
    const tracer = new Tracer();
    const x = tracer.input({ shape: [1, ...inputShape], dtype, batched: true });
    architecture.forward(x, parameterInputs(tracer, architecture), { logits });
    return tracer.nodes.length;
  }) as [number, number];
  return whole > without;
}

/**
 * What `predict` gives for a batch, made of the output that the loss is computed of: with the final
 * activation that the loss has within.
 */
export function predictionsOf(architecture: Architecture, loss: Loss, output: Variable): Variable {
  const folded = foldedBy(loss);
  if (folded === null || !endsIn(architecture, folded)) return output;
  return activations[folded](output);
}
