import type { Tensor } from '../../tensor.ts';
import type { Architecture } from '../architecture.ts';
import { affordableBatch, type RunSettings } from '../evaluator.ts';
import type { Settled } from '../parameterStore.ts';
import { Predictor } from './predictor.ts';

/** Native bytes of the Programs that are kept beside the one used last. */
const maxKeptBytes = 2 ** 28;
const maxKept = 3;

/** Native bytes from which on a Program takes too long to make for sizes that another one can serve. */
const costlyBytes = 2 ** 24;

/**
 * A network's Programs for predictions. One serves batches up to its bound, a power of 4 or the
 * largest batch; the nearer, the less is copied. Of large networks, whose weights each Program
 * holds, there are two at most: that of the first request, and of the largest batch. The least
 * recently used are freed.
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
    const alike = this.#kept.filter((known) => known.dtype === dtype && known.scale === scale);
    const costly = alike.some(({ bytes }) => bytes > costlyBytes);
    const nearest = alike
      .filter((known) => known.bound >= bound && (costly || known.bound <= 4 * bound))
      .reduce<Predictor | null>((a, b) => (a !== null && a.bound < b.bound ? a : b), null);
    const make = (): Predictor => {
      const own = costly ? this.mostSamples : bound;
      return new Predictor(this.#architecture, dtype, own, scale, this.#settings);
    };
    const predictor = nearest ?? make();
    this.#kept = [...this.#kept.filter((known) => known !== predictor), predictor];
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
