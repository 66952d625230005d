/** Where two ways to compute differ most. */
export interface WorstEntry {
  /** "input 1", "output 0", a parameter's key ('0.weight'), or the name the caller gave. */
  readonly name: string;
  /** Of the entry, one number an axis. */
  readonly index: readonly number[];
  /** Of what is checked. */
  readonly actual: number;
  /** Of what it is checked against. */
  readonly expected: number;
}

/** |actual − expected| / max(1, |actual|, |expected|) at its largest, and where that is. */
export interface CheckResult {
  /** Infinite where one of the two is NaN. */
  readonly maxError: number;
  /** null where nothing was compared. */
  readonly worst: WorstEntry | null;
}

function indexOf(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}

/** The largest difference so far. */
export class Worst {
  readonly #nanIsEqual: boolean;
  #maxError = 0;
  #worst: WorstEntry | null = null;

  /** `nanIsEqual`: two NaN agree; else they count as an infinite error. */
  constructor(options: { nanIsEqual: boolean }) {
    this.#nanIsEqual = options.nanIsEqual;
  }

  /** Takes entry `flat` of a value of that shape into account. */
  add(
    name: string,
    shape: readonly number[],
    flat: number,
    actual: number,
    expected: number,
  ): void {
    const scale = Math.max(1, Math.abs(actual), Math.abs(expected));
    const same = this.#nanIsEqual ? Object.is(actual, expected) : actual === expected;
    const difference = same ? 0 : Math.abs(actual - expected) / scale;
    const error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    if (error > this.#maxError || this.#worst === null) {
      this.#maxError = error;
      this.#worst = { name, index: indexOf(flat, shape), actual, expected };
    }
  }

  get result(): CheckResult {
    return { maxError: this.#maxError, worst: this.#worst };
  }
}
