/** Rates of repeated runs and their median. */
export interface Rates {
  readonly median: number;
  readonly all: readonly number[];
}

/** The middle value; the mean of the middle two for an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
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

/** Rows under a header, columns aligned; the first column to the left, the others to the right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const cells = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  );
  const lines = cells.map((row) =>
    header
      .map((_, column) => {
        const cell = row[column] ?? '';
        const width = widths[column] as number;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
  return [lines[0], '─'.repeat(Math.max(...lines.map((l) => l.length))), ...lines.slice(1)].join(
    '\n',
  );
}
