interface Row {
  cases: Set<string>;
  comparisons: number;
  worst: number;
  where: string;
}

/** Collects the worst error of every operator and prints it as a table. */
export class ErrorTable {
  readonly #rows = new Map<string, Row>();

  add(operator: string, dtype: string, title: string, worst: number): void {
    const key = `${operator.padEnd(28)} ${dtype}`;
    const row = this.#rows.get(key) ?? {
      cases: new Set<string>(),
      comparisons: 0,
      worst: 0,
      where: '',
    };
    row.cases.add(title);
    row.comparisons++;
    if (worst > row.worst) [row.worst, row.where] = [worst, title];
    this.#rows.set(key, row);
  }

  toString(): string {
    const head = `${'operator'.padEnd(28)} dtype    cases  runs   worst error / bound`;
    const lines = [...this.#rows].map(([key, { cases, comparisons, worst, where }]) => {
      const counts = `${String(cases.size).padStart(5)} ${String(comparisons).padStart(5)}`;
      return `${key}  ${counts}   ${worst === 0 ? '0' : `${worst.toFixed(3)}  ${where}`}`;
    });
    return [head, ...lines].join('\n');
  }
}
