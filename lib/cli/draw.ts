/** Pixels from here on count as ink. */
const ink = 96;

/** A character is two pixels, one above the other: index 2·upper + lower. */
const halves = [' ', '▄', '▀', '█'] as const;

/**
 * A grey image as lines of text, two rows of pixels a line.
 * @param pixels height · width values from 0 to 255, row by row
 */
export function drawImage(pixels: ArrayLike<number>, height: number, width: number): string[] {
  const inked = (row: number, column: number): number =>
    row < height && (pixels[row * width + column] as number) >= ink ? 1 : 0;
  return Array.from({ length: Math.ceil(height / 2) }, (_, line) =>
    Array.from(
      { length: width },
      (_, column) => halves[2 * inked(2 * line, column) + inked(2 * line + 1, column)],
    ).join(''),
  );
}

/** A picture with a line of text below. */
export interface Captioned {
  readonly lines: readonly string[];
  readonly caption: string;
}

/** Pictures side by side, as many in a row as `columns` characters hold. */
export function arrange(pictures: readonly Captioned[], columns: number): string {
  const gap = 3;
  const width = Math.max(
    ...pictures.map(({ lines, caption }) =>
      Math.max(caption.length, ...lines.map((line) => line.length)),
    ),
  );
  const perRow = Math.max(1, Math.floor((columns + gap) / (width + gap)));
  const blocks: string[] = [];
  for (let start = 0; start < pictures.length; start += perRow) {
    const row = pictures.slice(start, start + perRow);
    const height = Math.max(...row.map(({ lines }) => lines.length));
    const cells = row.map(({ lines, caption }) => [
      ...Array.from({ length: height }, (_, i) => lines[i] ?? ''),
      caption,
    ]);
    const text = Array.from({ length: height + 1 }, (_, i) =>
      cells
        .map((cell) => (cell[i] as string).padEnd(width))
        .join(' '.repeat(gap))
        .trimEnd(),
    );
    blocks.push(text.join('\n'));
  }
  return blocks.join('\n\n');
}
