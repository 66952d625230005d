import { argumentError } from '../errors.ts';
import { Generator } from '../random.ts';

/** Shares of data: of a first part, the rest being the second; or of all, with the sum 1. */
export type Fractions = number | readonly number[];

/** The shares as a list with the sum 1. Throws ERR_ARGUMENT. */
export function checkFractions(where: string, fractions: unknown): number[] {
  const isShare = (value: unknown): boolean => typeof value === 'number' && value > 0 && value < 1;
  if (typeof fractions === 'number' && isShare(fractions)) return [fractions, 1 - fractions];
  if (Array.isArray(fractions) && fractions.length > 1 && fractions.every(isShare)) {
    const total = fractions.reduce((sum: number, share: number) => sum + share, 0);
    if (Math.abs(total - 1) < 1e-9) return [...fractions];
  }
  const expected = 'a fraction between 0 and 1, or several whose sum is 1,';
  throw argumentError(where, expected, fractions);
}

/**
 * Which of `candidates` are in the first part: as evenly as can be, so that of any n that follow
 * each other it has ⌊share·n⌋ or ⌈share·n⌉.
 */
function cut(candidates: Int32Array, share: number): [Int32Array, Int32Array] {
  // What a rounded share falls short of an integer by must not lose a sample.
  const upTo = (count: number): number => Math.floor(count * share + 1e-9);
  const first = new Int32Array(upTo(candidates.length));
  const rest = new Int32Array(candidates.length - first.length);
  candidates.forEach((place, i) => {
    const taken = upTo(i);
    if (upTo(i + 1) > taken) first[taken] = place;
    else rest[i - taken] = place;
  });
  return [first, rest];
}

/**
 * The places 0 to `count` − 1 in random parts of these shares, each in rising order. Of each label's
 * places a part has its share, to less than one place for the first part.
 * @param labels of the places, if they count
 */
export function splitPlaces(
  count: number,
  shares: readonly number[],
  seed: number,
  labels: ArrayLike<number> | null,
): Int32Array[] {
  const order = new Generator(seed, 'split').permutation(count);
  if (labels !== null) {
    // Stable, so that the order within a label stays random.
    order.sort((a, b) => (labels[a] as number) - (labels[b] as number));
  }
  const parts: Int32Array[] = [];
  let [rest, left] = [order, 1];
  for (const share of shares.slice(0, -1)) {
    const [part, others] = cut(rest, share / left);
    parts.push(part.sort());
    [rest, left] = [others, left - share];
  }
  return [...parts, rest.sort()];
}
