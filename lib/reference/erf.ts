/**
 * The error function in float64, within 4 ULP: for |x| < 1 its series
 * 2/√π · e^(−x²) · Σ 2ⁿ·x^(2n+1) / (1·3·5·…·(2n+1)), whose terms all have one sign; else 1 − erfc(x)
 * with Laplace's continued fraction erfc(x) = e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 1½/(x + …)))).
 */
export function erf(x: number): number {
  if (Number.isNaN(x) || x === 0) return x;
  const magnitude = Math.abs(x);
  const square = x * x;
  if (magnitude < 1) {
    let [term, sum] = [magnitude, 0];
    for (let n = 1; sum + term !== sum; n++) {
      sum += term;
      term *= (2 * square) / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * Math.exp(-square) * sum) / Math.sqrt(Math.PI);
  }
  let fraction = magnitude;
  for (let n = 300; n >= 1; n--) fraction = magnitude + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-square) / (Math.sqrt(Math.PI) * fraction));
}
