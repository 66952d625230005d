import { argumentError, dtypeError, StridenetError, shapeError } from '../errors.ts';
import { type GraphInput, GraphVariable } from '../graph/graph.ts';
import { formatShape, sameShape } from '../shape.ts';
import { checkMemory, describe, Tensor } from '../tensor.ts';
import { entriesOf, formatArgumentPath, isContainer, kindOf, type TreePath } from '../tree.ts';

/** Values of a graph's inputs, and how many samples those that are batched have. */
export interface Bound {
  readonly values: Map<GraphVariable, Tensor>;
  readonly batch: number;
}

function checkTensor(where: string, input: GraphVariable, value: unknown): asserts value is Tensor {
  const { name, batched, dtype, shape } = input;
  if (!(value instanceof Tensor)) throw argumentError(where, `${name} to be a Tensor`, value);
  if (value.dtype !== dtype) {
    throw dtypeError(
      where,
      `${name} must be ${dtype}, as it was traced, but is ${describe(value)}: convert it with .to('${dtype}')`,
    );
  }
  const bound = shape[0] as number;
  const fits = batched
    ? value.shape.length > 0 &&
      (value.shape[0] as number) <= bound &&
      sameShape(value.shape.slice(1), shape.slice(1))
    : sameShape(value.shape, shape);
  if (!fits) {
    const wanted = batched
      ? `(N${['', ...shape.slice(1)].join(', ')}), N ≤ ${bound},`
      : `${formatShape(shape)},`;
    throw shapeError(
      where,
      `${name} must be ${wanted} as it was traced, but is ${describe(value)}`,
    );
  }
  checkMemory(where, String(name), value);
}

/** Walks the arguments as they were traced and as they are given, side by side. */
function visit(
  where: string,
  traced: unknown,
  given: unknown,
  path: TreePath,
  values: Map<GraphVariable, Tensor>,
): void {
  if (traced instanceof GraphVariable) {
    checkTensor(where, traced, given);
    values.set(traced, given);
    return;
  }
  const place = formatArgumentPath(path);
  if (!isContainer(traced)) {
    if (Object.is(traced, given)) return;
    throw argumentError(where, `${place} to be ${String(traced)}, as it was traced,`, given);
  }
  const kind = kindOf(traced);
  if (!isContainer(given) || kindOf(given) !== kind) {
    throw argumentError(where, `${place} to be ${kind}`, given);
  }
  const keys = new Set(entriesOf(traced).map(([key]) => key));
  const found = new Map(entriesOf(given));
  const unknown = [...found.keys()].find((key) => !keys.has(key));
  if (unknown !== undefined) {
    throw new StridenetError(
      'ERR_ARGUMENT',
      `[${where}] ${formatArgumentPath([...path, unknown])} was not there when the graph was traced`,
    );
  }
  for (const [key, value] of entriesOf(traced)) {
    visit(where, value, found.get(key), [...path, key], values);
  }
}

function batchOf(where: string, values: ReadonlyMap<GraphVariable, Tensor>): number {
  const batched = [...values].filter(([{ batched }]) => batched);
  const sizes = new Set(batched.map(([, { shape }]) => shape[0] as number));
  if (sizes.size > 1) {
    const names = batched.map(([{ name }, { shape }]) => `${name} ${formatShape(shape)}`);
    throw shapeError(where, `${names.join(' and ')} must have one number of samples`);
  }
  return [...sizes][0] ?? 0;
}

/**
 * The values that arguments and states give the inputs of a graph.
 *
 * @param traced the arguments as they were traced, with graph values for tensors
 * @param states of states by name
 * @throws ERR_ARGUMENT for another number or nesting of arguments, for what is no Tensor or has lost
 *   its memory, and for a state without value; ERR_SHAPE, ERR_DTYPE that name the input for other
 *   shapes and dtypes than the traced ones
 */
export function bind(
  where: string,
  inputs: readonly GraphInput[],
  traced: readonly unknown[],
  given: readonly unknown[],
  states: ReadonlyMap<string, Tensor>,
): Bound {
  if (given.length !== traced.length) {
    const names = traced.map((tree, i) =>
      tree instanceof GraphVariable ? tree.name : `argument ${i}`,
    );
    const list = names.length === 0 ? '' : ` (${names.join(', ')})`;
    const count = traced.length === 1 ? '1 argument' : `${traced.length} arguments`;
    throw argumentError(where, `${count}${list}, as traced,`, given.length);
  }
  const values = new Map<GraphVariable, Tensor>();
  traced.forEach((tree, i) => {
    visit(where, tree, given[i], [i], values);
  });
  const batch = batchOf(where, values);
  for (const { variable } of inputs.filter(({ role }) => role === 'state')) {
    const value = states.get(variable.name ?? '');
    if (value === undefined) {
      throw argumentError(where, `a value of the state ${variable.name}`, undefined);
    }
    checkTensor(where, variable, value);
    values.set(variable, value);
  }
  return { values, batch };
}
