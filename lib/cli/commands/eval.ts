import type * as sn from '../../index.ts';
import { dataOf, sizeOf } from '../data.ts';
import { lossOf, metricsOf } from '../make.ts';
import { modelOf } from '../model.ts';
import { print, UsageError } from '../process.ts';
import { refusedOption } from '../refusedOption.ts';
import type { Settings } from '../settings.ts';
import {
  type Command,
  describeEvaluation,
  endingWith,
  factsOfNetwork,
  showProgress,
  table,
} from './common.ts';

/** The metrics that are no single number, each as a table. */
function tables(metrics: sn.Evaluation['metrics'], names: readonly string[] | null): string[] {
  return Object.entries(metrics ?? {}).flatMap(([name, value]) => {
    if (!Array.isArray(value)) return [];
    const rows = value.map((row: unknown, i) => {
      const cells = (Array.isArray(row) ? row : [row]).map((cell: unknown) =>
        typeof cell === 'number' && !Number.isInteger(cell) ? cell.toFixed(4) : String(cell),
      );
      return [names?.[i] ?? String(i), ...cells];
    });
    const right = (rows[0] ?? []).map((_, c) => c).slice(1);
    return [`${name}:\n${table(rows, right)}`];
  });
}

async function chosen(settings: Settings, net: sn.Network): Promise<sn.data.TrainingData> {
  const data = await dataOf(settings, factsOfNetwork(net));
  if (settings.part === 'train') return data.train;
  if (data.test === null && settings.part === 'test') {
    throw new UsageError(`${data.name} has no part to test with: leave --part out`);
  }
  return data.test ?? data.train;
}

/** `stridenet eval`: loss, accuracy and metrics of a saved network over data. */
export const evaluate: Command = (settings, { interrupted }) => {
  const signal = interrupted();
  return endingWith(signal, async () => {
    const [metrics, loss] = [metricsOf(settings), lossOf(settings)];
    const { batchSize, json } = settings;
    const net = await modelOf(settings);
    const data = await chosen(settings, net);
    showProgress(`${sizeOf(data)} …`);
    const options = {
      ...{ metrics, signal },
      ...(loss === undefined ? {} : { loss }),
      ...(batchSize === undefined ? {} : { batchSize }),
    };
    const result = await net.evaluate(data, options).catch((error: unknown) => {
      throw refusedOption(settings, error) ?? error;
    });
    showProgress('');
    if (json) {
      print(JSON.stringify(result, null, 2));
      return;
    }
    print(describeEvaluation(result));
    for (const each of tables(result.metrics, net.classNames)) print(each);
  });
};
