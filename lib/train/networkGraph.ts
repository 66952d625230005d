import { ComputationGraph } from '../computation/computationGraph.ts';
import { argumentError, checkBoolean, checkOptions, StridenetError } from '../errors.ts';
import { type GraphVariable, scoped, Tracer } from '../graph/graph.ts';
import type { Loss, SampleOutput } from '../losses/index.ts';
import { checkLoss, checkTargetsOf, foldedBy, traceLoss } from '../losses/targets.ts';
import type { Spec } from '../ops/operator.ts';
import { checkSeed } from '../random.ts';
import { checkInteger } from '../shape.ts';
import { full, type Tensor, zeros } from '../tensor.ts';
import type { Architecture } from './architecture.ts';
import type { RunSettings } from './evaluator.ts';
import { outputOf, parameterInputs } from './inputs.ts';

/** Settings of `net.graph`. */
export interface NetworkGraphOptions {
  /** Samples, and the bound of those that it can be evaluated with; default 1. */
  batch?: number;
  /** With the batch's own statistics and with dropout; default false. */
  training?: boolean;
  /** Then the output is the mean loss, with 'labels' as a second input; default: none. */
  loss?: Loss;
  /**
   * What the labels are, where the loss takes either: 'classes', int32 (N), or 'targets', of the
   * output's shape and dtype. Default: 'classes' where the loss takes them.
   */
  labels?: 'classes' | 'targets';
  /** Of dropout; default 0. */
  seed?: number;
  /** The number of the training step, of which dropout depends; default 1. */
  step?: number;
}

const optionNames = ['batch', 'training', 'loss', 'labels', 'seed', 'step'];

function takesClasses(loss: Loss, output: SampleOutput): boolean {
  try {
    checkTargetsOf('graph', loss, output, zeros([1], 'int32'));
    return true;
  } catch (error) {
    if (error instanceof StridenetError) return false;
    throw error;
  }
}

function checkLabels({ labels, loss }: NetworkGraphOptions): void {
  if (labels === undefined) return;
  if (labels !== 'classes' && labels !== 'targets') {
    throw argumentError('graph', "labels to be 'classes' or 'targets'", labels);
  }
  if (loss === undefined) throw argumentError('graph', 'a loss, as there are labels,', loss);
}

function labelsSpec(
  loss: Loss,
  output: SampleOutput,
  batch: number,
  labels: NetworkGraphOptions['labels'],
): Spec {
  const classes = labels === undefined ? takesClasses(loss, output) : labels === 'classes';
  const { shape, dtype } = output;
  return classes
    ? { shape: [batch], dtype: 'int32', batched: true }
    : { shape: [batch, ...shape], dtype, batched: true };
}

/**
 * The network as a graph: parameters as states named by their keys, 'x' and 'labels' as feeds, the
 * nodes of each layer in the scope of its label.
 *
 * @param values gives the parameters that the graph is evaluated with
 * @throws ERR_ARGUMENT for an option that is none; what the loss throws
 */
export function networkGraph(
  architecture: Architecture,
  values: () => ReadonlyMap<string, Tensor>,
  settings: RunSettings,
  options: NetworkGraphOptions,
): ComputationGraph<[x: Tensor, labels?: Tensor]> {
  checkOptions('graph', options, optionNames);
  const { batch = 1, training = false, loss, seed = 0, step = 1 } = options;
  checkInteger('graph', 'batch', batch, 1);
  checkBoolean('graph', 'training', training);
  checkSeed('graph', seed);
  checkInteger('graph', 'step', step, 1);
  if (loss !== undefined) checkLoss('graph', loss);
  checkLabels(options);
  const tracer = new Tracer();
  const { dtype, inputShape } = architecture;
  const x = tracer.input({ shape: [batch, ...inputShape], dtype, batched: true }, 'feed', 'x');
  const inputs: GraphVariable[] = [x];
  const parameters = parameterInputs(tracer, architecture);
  const context = { step: full([], step, 'float64'), seed, update: () => undefined };
  let output = architecture.forward(x, parameters, {
    logits: loss === undefined ? null : foldedBy(loss),
    ...(training ? { training: context } : {}),
  });
  if (loss !== undefined) {
    const spec = labelsSpec(loss, outputOf(architecture), batch, options.labels);
    const labels = tracer.input(spec, 'feed', 'labels');
    inputs.push(labels);
    output = scoped('loss', () => traceLoss('graph', loss, output, labels));
  }
  const learned = architecture.parameters
    .filter(({ state, trainable }) => state !== true && trainable !== false)
    .map(({ key }) => parameters.get(key) as GraphVariable);
  const graph = tracer.graph([output]);
  tracer.end();
  return new ComputationGraph(graph, {
    arguments: inputs,
    states: values,
    learned,
    run: settings,
  });
}
