import { checkPath, formatError } from '../../data/files.ts';
import { dtypeError, shapeError } from '../../errors.ts';
import { formatShape, type Shape, sameShape } from '../../shape.ts';
import { type FloatDType, Tensor, type TypedArray } from '../../tensor.ts';
import type { Architecture } from '../architecture.ts';
import { differenceText } from '../differences.ts';
import { type Assignment, assign } from './names.ts';
import {
  checkLoadWeights,
  formatOf,
  type LoadedWeights,
  type LoadWeightsOptions,
  type MismatchedWeight,
  selectionOf,
  weightsError,
} from './options.ts';
import { readingWeights, type StoredWeight } from './weightFile.ts';

const where = 'loadWeights';

/** What is to be read, with the tensors whose shapes differ. */
interface Plan extends Assignment {
  readonly mismatched: readonly MismatchedWeight[];
}

function planOf(
  { parameters }: Architecture,
  entries: ReadonlyMap<string, StoredWeight>,
  selected: (key: string) => boolean,
  options: LoadWeightsOptions,
): Plan {
  const shapes = new Map(parameters.map(({ key, shape }) => [key, shape]));
  const assignment = assign(where, [...entries.keys()], [...shapes.keys()], selected, options);
  const mismatched = [...assignment.names].flatMap(([key, name]) => {
    const expected = shapes.get(key) as Shape;
    const { shape: actual } = entries.get(name) as StoredWeight;
    return sameShape(expected, actual) ? [] : [{ key, name, expected, actual }];
  });
  return { ...assignment, mismatched };
}

/** What stands before all of the missing names in the file, or null. */
function commonPrefix(
  { missing }: Assignment,
  entries: ReadonlyMap<string, StoredWeight>,
): string | null {
  const [key] = missing;
  const name = [...entries.keys()].find((each) => each.endsWith(`.${key}`));
  if (key === undefined || name === undefined) return null;
  const prefix = name.slice(0, name.length - key.length);
  return missing.every((each) => entries.has(prefix + each)) ? prefix : null;
}

/** What would make all of the file fit: '; without the prefix …', '' for nothing that is known. */
function advice(
  plan: Plan,
  entries: ReadonlyMap<string, StoredWeight>,
  options: LoadWeightsOptions,
  replan: (options: LoadWeightsOptions) => Plan,
): string {
  const prefix = options.prefix === undefined ? commonPrefix(plan, entries) : null;
  const cures: [LoadWeightsOptions, string][] = [[{ match: 'order' }, "{ match: 'order' }"]];
  if (prefix !== null) cures.unshift([{ prefix }, `{ prefix: '${prefix}' }`]);
  for (const [more, text] of cures) {
    try {
      const { missing, unexpected, mismatched } = replan({ ...options, ...more });
      const left = missing.length + unexpected.length + mismatched.length;
      if (left === 0) return `; all of it fits with ${text}`;
    } catch {
      // Modules without numbers have no order: this is no cure.
    }
  }
  return '';
}

/** Throws what of the plan is an error by the options. */
function checkPlan(
  path: string,
  plan: Plan,
  entries: ReadonlyMap<string, StoredWeight>,
  options: LoadWeightsOptions,
  cure: () => string,
): void {
  const { missing, unexpected, mismatched } = plan;
  const text = differenceText(missing, unexpected);
  if (options.strict !== false && text !== '') {
    throw weightsError(`[${where}] ${path}: ${text}${cure()}`, { missing, unexpected });
  }
  const [wrong] = mismatched;
  if (wrong !== undefined && options.ignoreMismatched !== true) {
    const { key, name, expected, actual } = wrong;
    const as = name === key ? '' : `, '${key}' here,`;
    const sizes = `must be ${formatShape(expected)} but is ${formatShape(actual)}`;
    throw shapeError(where, `${path}: '${name}'${as} ${sizes}${cure()}`);
  }
  for (const [key, name] of plan.names) {
    const { dtype } = entries.get(name) as StoredWeight;
    if (dtype === 'float32' || dtype === 'float64') continue;
    throw dtypeError(where, `${path}: '${name}', for '${key}', is ${dtype}, no floating dtype`);
  }
}

/** The tensor in another floating dtype. Throws ERR_DTYPE for a finite number that has no place there. */
function converted(path: string, name: string, tensor: Tensor, dtype: FloatDType): Tensor {
  if (tensor.dtype === dtype) return tensor;
  const { data, shape } = tensor;
  const values: TypedArray = dtype === 'float64' ? new Float64Array(data) : new Float32Array(data);
  const lost = values.findIndex((value, i) => !Number.isFinite(value) && Number.isFinite(data[i]));
  if (lost < 0) return new Tensor(values, shape, dtype);
  throw dtypeError(where, `${path}: '${name}' holds ${data[lost]}, which is no ${dtype}`);
}

/** Values by key, and what there is to tell. */
export interface ReadWeights {
  readonly values: Map<string, Tensor>;
  readonly report: LoadedWeights;
}

/** Reads parameters of a network and changes nothing; see Network.loadWeights. */
export async function readWeights(
  architecture: Architecture,
  given: string | URL,
  options: LoadWeightsOptions,
): Promise<ReadWeights> {
  const path = checkPath(where, given);
  checkLoadWeights(where, options);
  const format = formatOf(where, path, options.format);
  const selected = selectionOf(where, architecture, options);
  return readingWeights(where, path, format, async (file) => {
    const entries = new Map(file.entries.map((entry) => [entry.name, entry]));
    const replan = (by: LoadWeightsOptions): Plan => planOf(architecture, entries, selected, by);
    const plan = replan(options);
    checkPlan(path, plan, entries, options, () => advice(plan, entries, options, replan));
    const passed = new Set(plan.mismatched.map(({ key }) => key));
    const names = new Map([...plan.names].filter(([key]) => !passed.has(key)));
    const wanted = [...names.values()].map((name) => entries.get(name) as StoredWeight);
    const tensors = await file.read(wanted);
    const values = new Map<string, Tensor>();
    for (const [key, name] of names) {
      const tensor = tensors.get(name) as Tensor;
      if (!sameShape(tensor.shape, (entries.get(name) as StoredWeight).shape)) {
        throw formatError(where, path, 0, `'${name}' changed while it was read`);
      }
      values.set(key, converted(path, name, tensor, architecture.dtype));
    }
    const { missing, unexpected, ignored, mismatched } = plan;
    const report = { loaded: [...names.keys()], missing, unexpected, ignored, mismatched, names };
    return { values, report };
  });
}
