import { someOf } from '../../data/files.ts';
import { shapeError } from '../../errors.ts';
import type * as sn from '../../index.ts';
import { type Data, dataOf, sizeOf } from '../data.ts';
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

/** ERR_SHAPE unless the classes of the data, where they have names, are those of the network. */
function checkClasses({ name, facts: { classNames } }: Data, net: sn.Network): void {
  const [outputs = 0, ...rest] = net.architecture.outputShape;
  const own = net.classNames;
  if (classNames === undefined || rest.length > 0 || (outputs === 1 && own === null)) return;
  const same = own === null || own.every((each, i) => each === classNames[i]);
  if (same && classNames.length === outputs) return;
  const names = own === null ? '' : ` (${someOf(own)})`;
  const classes = `${name} has ${classNames.length} classes (${someOf(classNames)})`;
  throw shapeError('eval', `${classes}, but the model has ${outputs} outputs${names}`);
}

async function chosen(settings: Settings, net: sn.Network): Promise<sn.data.TrainingData> {
  const data = await dataOf(settings, factsOfNetwork(net));
  checkClasses(data, net);
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
