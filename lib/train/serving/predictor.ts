import type { Executable } from '../../backends/backend.ts';
import { backendOf } from '../../backends/index.ts';
import { Tracer } from '../../graph/graph.ts';
import { gatherRows } from '../../ops/gatherRows.ts';
import type { Variable } from '../../ops/operator.ts';
import { elementCount } from '../../shape.ts';
import { allocate, Tensor, type TypedArray } from '../../tensor.ts';
import type { Architecture } from '../architecture.ts';
import type { RunSettings } from '../evaluator.ts';
import { parameterInputs } from '../inputs.ts';

/** The network's output for batches up to a bound. */
export class Predictor {
  readonly dtype: Tensor['dtype'];
  readonly bound: number;
  readonly scale: number;
  readonly #program: Executable;
  readonly #architecture: Architecture;
  readonly #gathers: boolean;
  #version = -1;

  constructor(
    architecture: Architecture,
    dtype: Tensor['dtype'],
    bound: number,
    scale: number,
    settings: RunSettings,
  ) {
    this.dtype = dtype;
    this.bound = bound;
    this.scale = scale;
    this.#gathers = dtype !== architecture.dtype || scale !== 1;
    this.#architecture = architecture;
    const tracer = new Tracer();
    const values = parameterInputs(tracer, architecture);
    const shape = [bound, ...architecture.inputShape];
    let x: Variable = tracer.input({ shape, dtype, batched: true });
    if (this.#gathers) {
      const rows = tracer.input({ shape: [bound], dtype: 'int32', batched: true });
      x = gatherRows(x, rows, { dtype: architecture.dtype, scale });
    }
    const { backend, ...rest } = settings;
    const graph = tracer.graph([architecture.forward(x, values)]);
    this.#program = backendOf(backend).prepare(graph, rest);
  }

  /** Writes the parameters unless those of this version are there already. */
  load(parameters: ReadonlyMap<string, Tensor>, version: number): void {
    if (version === this.#version) return;
    this.#architecture.parameters.forEach(({ key }, i) => {
      this.#program.write(i, parameters.get(key) as Tensor);
    });
    this.#version = version;
  }

  async predict(x: Tensor): Promise<Tensor> {
    const samples = x.shape[0] as number;
    const steps = Math.ceil(samples / this.bound);
    const width = elementCount(this.#architecture.inputShape);
    const feeds: TypedArray[] = [stacked(x, steps * this.bound * width)];
    if (this.#gathers) {
      feeds.push(Int32Array.from({ length: steps * this.bound }, (_, i) => i % this.bound));
    }
    const batch = Int32Array.from({ length: steps }, (_, step) =>
      Math.min(this.bound, samples - step * this.bound),
    );
    const { fetches } = await this.#program.run({ steps, batch, feeds, urgent: steps === 1 });
    const shape = [samples, ...this.#architecture.outputShape];
    const data = (fetches[0] as TypedArray).slice(0, elementCount(shape));
    return new Tensor(data, shape, this.#architecture.dtype);
  }

  /** Native bytes that it holds. */
  get bytes(): number {
    return this.#program.bytes;
  }

  /** Ends a prediction under way within a step; it then gives fewer samples than it was given. */
  cancel(): void {
    this.#program.cancel();
  }

  dispose(): void {
    this.#program.dispose();
  }
}

function stacked(x: Tensor, length: number): TypedArray {
  if (x.size === length) return x.data;
  const data = allocate(x.dtype, length);
  data.set(x.data);
  return data;
}
