import { checkOptions } from '../errors.ts';
import {
  checkClasses,
  checkState,
  classify,
  type Metric,
  type MetricOptions,
  nameOf,
} from './metric.ts';

/** How many samples of each class (row) are predicted to be of each (column). */
export function confusionMatrix(options: MetricOptions = {}): Metric {
  checkOptions('confusionMatrix', options, ['name']);
  const name = nameOf('confusionMatrix', options);
  return {
    ...{ name, options: { name } },
    create() {
      let rows: number[][] = [];
      return {
        add(outputs, given) {
          const classified = classify('confusionMatrix', outputs, given);
          const { classes, labels, predictions } = classified;
          checkClasses('confusionMatrix', rows.length, classified);
          if (rows.length === 0) {
            rows = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
          }
          labels.forEach((label, n) => {
            const row = rows[label] as number[];
            const guess = predictions[n] as number;
            row[guess] = (row[guess] as number) + 1;
          });
        },
        result: () => rows.map((row) => [...row]),
        state: () => rows.flat(),
        restore(numbers) {
          const classes = Math.sqrt(numbers.length);
          checkState('confusionMatrix', numbers, Number.isInteger(classes));
          rows = Array.from({ length: classes }, (_, c) => {
            return numbers.slice(c * classes, (c + 1) * classes);
          });
        },
      };
    },
  };
}
