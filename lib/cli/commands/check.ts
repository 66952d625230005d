import * as sn from '../../index.ts';
import { describeModel } from '../model.ts';
import { exitCodes, note, print } from '../process.ts';
import { type Command, shownModel, table } from './common.ts';

/** The most that the error of a check may be: docs/numerics.md tells what rounding allows. */
const limits = { gradients: 1e-4, float32: 1e-3, float64: 1e-9 } as const;

/** The same network with the same parameters in float64. */
function inFloat64(net: sn.Network): sn.Network {
  const { inputShape, layers } = net.architecture;
  const dtype = 'float64';
  const copy = sn.sequential({ inputShape, layers: layers.map(({ layer }) => layer), dtype });
  const values = [...net.parameters()].map(([key, value]) => [key, value.to(dtype)] as const);
  copy.setParameters(new Map(values));
  return copy;
}

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

/** `stridenet check`: gradients against differences, the native backend against the reference. */
export const check: Command = async (settings) => {
  const { batch = 2, samples = 8, seed = 1, json } = settings;
  const net = await shownModel(settings);
  const { inputShape, dtype } = net.architecture;
  if (!json) print(`model: ${describeModel(settings, net)}`);
  const random = { seed, dtype: 'float64' } as const;
  const x = sn.randomNormal([batch, ...inputShape], random);
  note('gradients against central differences, in float64 …');
  const exact = inFloat64(net);
  const rows: Row[] = [
    {
      name: 'gradients',
      limit: limits.gradients,
      result: sn.gradientCheck(exact, [x], { samples, seed }),
    },
  ];
  note(`native backend against the reference, in ${dtype} …`);
  rows.push({
    name: 'native',
    limit: limits[dtype],
    result: sn.compareBackends(dtype === 'float64' ? exact : net, [x.to(dtype)], { seed }),
  });
  print(
    json
      ? JSON.stringify(rows, null, 2)
      : table([['check', '', 'error', '', 'where'], ...rows.map(cells)]),
  );
  return rows.every(({ result, limit }) => result.maxError <= limit)
    ? exitCodes.done
    : exitCodes.failed;
};
