/** The middle value; the mean of the middle two for an even number. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * The value below which the share `q` of the values lies, between two of them by straight line
 * (type 7 of Hyndman and Fan, "Sample quantiles in statistical packages", 1996; NumPy's default).
 * NaN for no values.
 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  const [low = Number.NaN, high = low] = [sorted[below], sorted[below + 1]];
  return low + (place - below) * (high - low);
}

/** e to the mean of the logarithms: the mean for ratios. NaN for no values. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** The middle half of repeated measurements. */
export interface Summary {
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
  readonly fastest: number;
  /** How many were summarized. */
  readonly count: number;
}

/** Median, quartiles, and the least of times. */
export function summarize(values: readonly number[]): Summary {
  return {
    median: median(values),
    lower: quantile(values, 0.25),
    upper: quantile(values, 0.75),
    fastest: Math.min(...values),
    count: values.length,
  };
}

/** What the quartiles are apart, of the median. */
export function spread({ median, lower, upper }: Summary): number {
  return (upper - lower) / median;
}

/** How many times as long one subject takes as another. */
export interface Ratio {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Their times over ours, round by round, each round's by its medians: what slows both down in a
 * round cancels out. The least and greatest round are `low` and `high`.
 */
export function pairedRatio(
  ours: readonly (readonly number[])[],
  theirs: readonly (readonly number[])[],
): Ratio {
  const rounds = Math.min(ours.length, theirs.length);
  const ratios = Array.from(
    { length: rounds },
    (_, i) => median(theirs[i] as readonly number[]) / median(ours[i] as readonly number[]),
  );
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}

/** Rates of repeated runs and their median. */
interface Rates {
  readonly median: number;
  readonly all: readonly number[];
}

/**
 * Calls `body` until `seconds` have passed, at least `repeats` times; `body` returns how much it
 * did. Rates are amounts a second.
 */
export async function measureRates(
  body: () => Promise<number> | number,
  { seconds, repeats = 5 }: { seconds: number; repeats?: number },
): Promise<Rates> {
  const all: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (all.length < repeats || performance.now() < end) {
    const start = performance.now();
    const amount = await body();
    all.push((amount * 1000) / (performance.now() - start));
  }
  return { median: median(all), all };
}
