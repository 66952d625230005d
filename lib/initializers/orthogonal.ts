import { argumentError, checkOptions } from '../errors.ts';
import type { Generator } from '../random.ts';
import { elementCount, type Shape } from '../shape.ts';
import { checkFinite, type Initializer } from './initializer.ts';

/** v ← v − ⟨v, u⟩·u for a unit vector u. */
function removePart(v: Float64Array, u: Float64Array): void {
  let product = 0;
  for (let i = 0; i < v.length; i++) product += (v[i] as number) * (u[i] as number);
  for (let i = 0; i < v.length; i++) v[i] = (v[i] as number) - product * (u[i] as number);
}

/** `count` orthonormal vectors of `length` ≥ count components, by Gram and Schmidt, twice. */
function orthonormal(count: number, length: number, random: Generator): Float64Array[] {
  const vectors: Float64Array[] = [];
  while (vectors.length < count) {
    const v = Float64Array.from({ length }, () => random.normal());
    for (const pass of [0, 1]) {
      for (const u of vectors) removePart(v, u);
      const norm = Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
      if (pass === 0 && norm < 1e-8) break;
      for (let i = 0; i < length; i++) v[i] = (v[i] as number) / norm;
      if (pass === 1) vectors.push(v);
    }
  }
  return vectors;
}

/**
 * gain · Q with orthonormal rows, or columns where there are more rows, of the weight as a matrix of
 * its first size by all others (Saxe, McClelland, Ganguli 2014).
 * @param options.gain finite; default 1
 */
export function orthogonal(options: { gain?: number } = {}): Initializer {
  checkOptions('orthogonal', options, ['gain']);
  const gain = checkFinite('orthogonal', 'gain', options.gain ?? 1);
  return {
    kind: 'orthogonal',
    options: { gain },
    draw: () => {
      throw argumentError('orthogonal', 'a whole weight', 'one value');
    },
    fill(shape: Shape, random: Generator): Float64Array {
      if (shape.length < 2) throw argumentError('orthogonal', 'a weight of rank 2 or more', shape);
      const size = elementCount(shape);
      const rows = shape[0] as number;
      const columns = rows === 0 ? 0 : size / rows;
      const wide = rows <= columns;
      const vectors = orthonormal(Math.min(rows, columns), Math.max(rows, columns), random);
      return Float64Array.from({ length: size }, (_, i) => {
        const [row, column] = [Math.floor(i / columns), i % columns];
        return gain * ((wide ? vectors[row]?.[column] : vectors[column]?.[row]) ?? 0);
      });
    },
  };
}
