import * as sn from '../../index.ts';
import { describeModel } from '../model.ts';
import { exitCodes, note, print } from '../process.ts';
import type { Settings } from '../settings.ts';
import { type Command, shownModel, table } from './common.ts';

/** The most that an error may be; deep normalized networks magnify what rounding leaves. */
const limits = { gradients: 1e-4, float64: 1e-6, float32: 1e-3 } as const;

/**
 * The step of central differences: small, so that hardly a ReLU passes its kink within it, and no
 * smaller, as rounding errors are 1e-16 over it.
 */
const epsilon = 1e-8;

/** The same network with the same parameters in float64. */
function inFloat64(net: sn.Network): sn.Network {
  const { inputShape, layers } = net.architecture;
  const dtype = 'float64';
  const copy = sn.sequential({ inputShape, layers: layers.map(({ layer }) => layer), dtype });
  const values = [...net.parameters()].map(([key, value]) => [key, value.to(dtype)] as const);
  copy.setParameters(new Map(values));
  return copy;
}

/** What was compared, and how well it agrees. */
interface Row {
  readonly name: string;
  readonly limit: number;
  readonly result: sn.CheckResult;
}

function cells({ name, limit, result: { maxError, worst } }: Row): string[] {
  const place = worst === null || maxError === 0 ? '' : `${worst.name} [${worst.index.join(', ')}]`;
  const verdict = maxError <= limit ? 'right' : 'WRONG';
  return [name, verdict, maxError.toExponential(1), `of ${limit.toExponential(0)}`, place];
}

/**
 * The comparisons, one at a time: that of float32 as in inference, since training normalizes by
 * statistics of so few samples that it would magnify the rounding of float32 beyond any limit.
 */
function* compared(settings: Settings, net: sn.Network): Generator<Row> {
  const { batch = 4, samples = 8, seed = 1 } = settings;
  const { inputShape, dtype } = net.architecture;
  const x = sn.randomNormal([batch, ...inputShape], { seed, dtype: 'float64' });
  const exact = inFloat64(net);
  note('gradients against central differences, in float64 …');
  const result = sn.gradientCheck(exact, [x], { samples, seed, epsilon });
  yield { name: 'gradients', limit: limits.gradients, result };
  note('native backend against the reference, in float64 …');
  const native = sn.compareBackends(exact, [x], { seed });
  yield { name: 'native, float64', limit: limits.float64, result: native };
  if (dtype === 'float64') return;
  note('native backend against the reference, in float32 …');
  const rounded = sn.compareBackends(net, [x.to(dtype)], { seed, training: false });
  yield { name: 'native, float32', limit: limits.float32, result: rounded };
}

/** `stridenet check`: gradients against differences, the native backend against the reference. */
export const check: Command = async (settings) => {
  const net = await shownModel(settings);
  if (!settings.json) print(`model: ${describeModel(settings, net)}`);
  const rows = [...compared(settings, net)];
  print(
    settings.json
      ? JSON.stringify(rows, null, 2)
      : table([['check', '', 'error', '', 'where'], ...rows.map(cells)]),
  );
  return rows.every(({ result, limit }) => result.maxError <= limit)
    ? exitCodes.done
    : exitCodes.failed;
};
