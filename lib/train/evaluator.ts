import type { BackendName, Executable, PrepareOptions } from '../backends/backend.ts';
import { backendOf } from '../backends/index.ts';
import { checkSamples, type Samples } from '../data/samples.ts';
import { dtypeError, StridenetError, shapeError } from '../errors.ts';
import { Tracer } from '../graph/graph.ts';
import type { Loss } from '../losses/index.ts';
import { checkTargetsOf, counterOf, foldedBy, traceLoss } from '../losses/targets.ts';
import type { Metric } from '../metrics/metric.ts';
import type { Operand } from '../ops/operator.ts';
import { formatShape, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Architecture } from './architecture.ts';
import type { BatchSource } from './batches.ts';
import type { Evaluation } from './events.ts';
import { outputOf, parameterInputs } from './inputs.ts';
import { checkMetricsFit, JudgedSteps, MetricSet } from './metricSet.ts';
import { predictionsOf } from './predictions.ts';
import { shapeAdvice } from './shapeAdvice.ts';
import { summarize } from './summary.ts';

/** What the outputs of all layers may take, in bytes; about a third of it is in memory at once. */
const maxValueBytes = 2 ** 30;

/** The largest batch of at most `most` samples that fits in memory whatever the network, or 1. */
export function affordableBatch(architecture: Architecture, most: number): number {
  const bytes = summarize(architecture).reduce((sum, layer) => sum + layer.activationBytes, 0);
  return Math.max(1, Math.min(most, Math.floor(maxValueBytes / Math.max(1, bytes))));
}

/** Steps of one run at most. */
const maxStepsAtOnce = 1024;

/** Where and how a network's graphs run. */
export interface RunSettings extends PrepareOptions {
  readonly backend: BackendName;
}

/** Throws unless rows of `data` can go into the network and into the loss. */
export function checkFit(
  where: string,
  architecture: Architecture,
  data: Samples,
  loss: Loss,
  advice = shapeAdvice,
): void {
  checkSamples(where, data);
  checkInput(where, architecture, data.x, advice);
  checkTargetsOf(where, loss, outputOf(architecture), data.y);
}

/** Throws ERR_SHAPE or ERR_DTYPE unless rows of `x` can go into the network. */
export function checkInput(
  where: string,
  architecture: Architecture,
  x: Tensor,
  advice = shapeAdvice,
): void {
  if (!sameShape(x.shape.slice(1), architecture.inputShape) || x.shape.length === 0) {
    const { inputShape } = architecture;
    const message = `the network takes (N, ${inputShape.join(', ')}) but x is ${formatShape(x.shape)}`;
    throw shapeError(where, `${message}${advice(x.shape, inputShape)}`);
  }
  if (x.dtype !== architecture.dtype && x.dtype !== 'uint8') {
    throw dtypeError(
      where,
      `the network takes ${architecture.dtype} or uint8 but x is ${x.dtype}: convert it with x.to('${architecture.dtype}')`,
    );
  }
}

function cancelled(): StridenetError {
  return new StridenetError('ERR_ABORTED', '[evaluate] was cancelled');
}

/** Mean loss and accuracy of a network over one data set, batch by batch. */
export class Evaluator {
  readonly #program: Executable;
  readonly #architecture: Architecture;
  readonly #batches: BatchSource;
  readonly #classifier: boolean;
  readonly #metrics: readonly Metric[];
  #cancelled = false;

  /** @param where what messages begin with */
  constructor(
    where: string,
    architecture: Architecture,
    batches: BatchSource,
    loss: Loss,
    settings: RunSettings,
    metrics: readonly Metric[] = [],
  ) {
    checkMetricsFit(where, metrics, outputOf(architecture), batches.targets);
    const counter = counterOf(loss, outputOf(architecture), batches.targets);
    this.#architecture = architecture;
    this.#batches = batches;
    this.#classifier = counter !== null;
    this.#metrics = metrics;
    const tracer = new Tracer();
    const values = parameterInputs(tracer, architecture);
    const { x, y, states } = batches.trace(tracer);
    const output = architecture.forward(x, values, { logits: foldedBy(loss) });
    const outputs: Operand[] = [traceLoss(where, loss, output, y)];
    if (counter) outputs.push(counter(output, y));
    if (metrics.length > 0) outputs.push(predictionsOf(architecture, loss, output), y);
    const { backend, ...rest } = settings;
    this.#program = backendOf(backend).prepare(tracer.graph(outputs), rest);
    tracer.inputs
      .filter(({ role }) => role === 'state')
      .forEach(({ variable }, i) => {
        const value = states.get(variable);
        if (value !== undefined) this.#program.write(i, value);
      });
  }

  /** Throws what a run throws. */
  async evaluate(parameters: ReadonlyMap<string, Tensor>): Promise<Evaluation> {
    this.#architecture.parameters.forEach(({ key }, i) => {
      this.#program.write(i, parameters.get(key) as Tensor);
    });
    let [samples, loss, correct] = [0, 0, 0];
    const metrics = new MetricSet(this.#metrics);
    const judged = this.#metrics.length > 0 ? new JudgedSteps(this.#program.fetches) : null;
    const most = judged?.atOnce(maxStepsAtOnce) ?? maxStepsAtOnce;
    await this.#batches.begin(1, 0);
    for (;;) {
      const batches = await this.#batches.peek(most);
      if (batches === null) break;
      const { sizes, feeds } = batches;
      const run = { steps: sizes.length, batch: sizes, feeds };
      const { fetches, steps } = await this.#program.run(run);
      if (this.#cancelled || steps < sizes.length) throw cancelled();
      this.#batches.take(sizes.length);
      sizes.forEach((n, step) => {
        samples += n;
        loss += (fetches[0]?.[step] as number) * n;
        if (this.#classifier) correct += fetches[1]?.[step] as number;
        if (judged) metrics.add(judged.at(fetches, step, n));
      });
    }
    // A source that was closed meanwhile has no more batches than one at its end.
    if (this.#cancelled) throw cancelled();
    return {
      loss: loss / samples,
      ...(this.#classifier ? { accuracy: correct / samples } : {}),
      ...(judged ? { metrics: metrics.results() } : {}),
    };
  }

  /** Ends an evaluation under way within a step, and those to come. */
  cancel(): void {
    this.#cancelled = true;
    this.#program.cancel();
  }

  dispose(): void {
    this.#program.dispose();
  }
}
