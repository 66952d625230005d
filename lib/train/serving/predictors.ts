import type { Tensor } from '../../tensor.ts';
import type { Architecture } from '../architecture.ts';
import { affordableBatch, type RunSettings } from '../evaluator.ts';
import type { Settled } from '../parameterStore.ts';
import { Predictor } from './predictor.ts';

/** Native bytes of the Programs that are kept beside the one used last. */
const maxKeptBytes = 2 ** 28;
const maxKept = 3;

/**
 * A network's Programs for predictions. One serves batches up to its bound, which is a power of 4 so
 * that requests of many sizes share few of them; the least recently used are freed.
 */
export class Predictors {
  readonly #architecture: Architecture;
  readonly #settings: RunSettings;
  readonly #maxBatch: number;
  #mostSamples: number | null = null;
  /** The most recently used last. */
  #kept: Predictor[] = [];

  constructor(architecture: Architecture, settings: RunSettings, maxBatch: number) {
    this.#architecture = architecture;
    this.#settings = settings;
    this.#maxBatch = maxBatch;
  }

  /** Samples of one step at most: maxBatch, or fewer where these would take much memory. */
  get mostSamples(): number {
    this.#mostSamples ??= affordableBatch(this.#architecture, this.#maxBatch);
    return this.#mostSamples;
  }

  /** The network's output for samples by these parameters. */
  predict(samples: Tensor, scale: number, { values, version }: Settled): Promise<Tensor> {
    const predictor = this.#predictorFor(samples, scale);
    predictor.load(values, version);
    return predictor.predict(samples);
  }

  /** Ends a prediction under way within a step. */
  cancel(): void {
    this.#kept.at(-1)?.cancel();
  }

  dispose(): void {
    for (const predictor of this.#kept.splice(0)) predictor.dispose();
  }

  #predictorFor({ shape, dtype }: Tensor, scale: number): Predictor {
    const bound = boundOf(shape[0] as number, this.mostSamples);
    const at = this.#kept.findIndex(
      (known) => known.dtype === dtype && known.bound === bound && known.scale === scale,
    );
    const [predictor = new Predictor(this.#architecture, dtype, bound, scale, this.#settings)] =
      at < 0 ? [] : this.#kept.splice(at, 1);
    this.#kept.push(predictor);
    this.#free();
    return predictor;
  }

  #free(): void {
    let bytes = 0;
    const kept = this.#kept.reverse().filter((predictor, age) => {
      if (age > 0) bytes += predictor.bytes;
      if (age < maxKept && bytes <= maxKeptBytes) return true;
      predictor.dispose();
      return false;
    });
    this.#kept = kept.reverse();
  }
}

function boundOf(samples: number, most: number): number {
  let bound = 1;
  while (bound < samples) bound *= 4;
  return Math.min(bound, most);
}
