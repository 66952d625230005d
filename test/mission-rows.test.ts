import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/**
 * What the library must do, by number: A operators and gradients, B networks and verification, C
 * graphs, D networks of the sources.
 */
const rows = [
  ...Array.from({ length: 17 }, (_, i) => `A${i + 1}`),
  ...Array.from({ length: 8 }, (_, i) => `B${i + 1}`),
  ...['C1', 'C2', 'C3', 'C4', 'C5'],
  ...['D1', 'D2', 'D3', 'D4', 'D5', 'D6'],
];

/** The rows that a title begins with: 'A3, A7: …' names both. */
function rowsOfTitles(source: string): string[] {
  const titles = source.matchAll(/['"`]((?:[A-D]\d+, )*[A-D]\d+): /g);
  return [...titles].flatMap(([, numbers]) => (numbers as string).split(', '));
}

it('every row has a test that is called by its number', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.test.ts'),
  );
  const named = new Set(
    files.flatMap((file) => rowsOfTitles(readFileSync(join(import.meta.dirname, file), 'utf8'))),
  );
  expect(rows.filter((row) => !named.has(row))).toEqual([]);
});
