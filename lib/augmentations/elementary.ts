// Elementary functions from + − × ÷ alone: the same bits on every machine, whatever its Math.

/** Σ coefficients[k]·x^k. */
function polynomial(x: number, coefficients: readonly number[]): number {
  return coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
}

/** 1/k! with alternating signs, k = first, first + 2, …: Taylor's series of cosine and sine. */
function alternating(first: number): number[] {
  const coefficients: number[] = [];
  for (let k = first, term = 1; k < 20; k += 2) {
    coefficients.push(term);
    term /= -(k + 1) * (k + 2);
  }
  return coefficients;
}

const cosineSeries = alternating(0);
const sineSeries = alternating(1);

/** [cosine, sine] of an angle in degrees; of multiples of 90 exactly. */
export function cosineAndSine(degrees: number): readonly [number, number] {
  const turn = degrees % 360;
  const quarters = Math.round(turn / 90);
  const angle = ((turn - 90 * quarters) * Math.PI) / 180;
  const square = angle * angle;
  const [c, s] = [polynomial(square, cosineSeries), angle * polynomial(square, sineSeries)];
  // + 0 keeps −0 out of matrices that are printed.
  const turned = [
    [c, s],
    [-s, c],
    [-c, -s],
    [s, -c],
  ][(quarters + 4) % 4] as [number, number];
  return [turned[0] + 0, turned[1] + 0];
}

const exponentialSeries = Array.from({ length: 16 }, (_, k) => {
  let factorial = 1;
  for (let i = 2; i <= k; i++) factorial *= i;
  return 1 / factorial;
});

/** eˣ for |x| ≤ 700. */
export function exponential(x: number): number {
  const doublings = Math.round(x / Math.LN2);
  let result = polynomial(x - doublings * Math.LN2, exponentialSeries);
  for (let i = 0; i < doublings; i++) result *= 2;
  for (let i = 0; i > doublings; i--) result /= 2;
  return result;
}
