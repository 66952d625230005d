import { argumentError, dtypeError, StridenetError, shapeError, show } from '../errors.ts';
import type { Spec } from '../ops/operator.ts';
import { formatShape, sameShape } from '../shape.ts';
import { checkMemory, describe, Tensor } from '../tensor.ts';
import {
  type Container,
  describeContainer,
  entriesOf,
  formatArgumentPath,
  formatPath,
  isOperand,
  isStatic,
  mapTree,
  sameKeys,
  type TreePath,
} from '../tree.ts';

/** What a compiled function gives: a tree with the number of an output in place of each. */
export class Slot {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

function isSlot(value: unknown): value is Slot {
  return value instanceof Slot;
}

/** The result of a function as a tree of Slots, and its operands in the order of their numbers. */
export function slotsOf<T>(
  where: string,
  result: unknown,
  isLeaf: (value: unknown) => value is T,
): { template: unknown; outputs: T[] } {
  const outputs: T[] = [];
  const template = mapTree(where, result, isLeaf, (output) => new Slot(outputs.push(output) - 1));
  return { template, outputs };
}

/** The template with the outputs in their places. */
export function fill(where: string, template: unknown, outputs: readonly Tensor[]): unknown {
  if (isSlot(template)) return outputs[template.index];
  return mapTree(where, template, isSlot, ({ index }) => outputs[index]);
}

function placeOf(path: TreePath): string {
  return formatPath(['into', ...path]);
}

/** Throws unless `tensor` can take an output of that spec. */
function checkTarget(where: string, path: TreePath, tensor: Tensor, spec: Spec): void {
  if (tensor.dtype !== spec.dtype) {
    const expected = `${placeOf(path)} is for ${describe(spec)} but is ${describe(tensor)}`;
    throw dtypeError(where, expected);
  }
  if (!sameShape(tensor.shape, spec.shape)) {
    const shapes = `${formatShape(spec.shape)} but has ${formatShape(tensor.shape)}`;
    throw shapeError(where, `${placeOf(path)} needs shape ${shapes}`);
  }
  checkMemory(where, placeOf(path), tensor);
}

/** Puts the Tensors of `into`, which must be like `template`, into `targets` by their numbers. */
function collect(
  where: string,
  template: unknown,
  into: unknown,
  path: TreePath,
  specs: readonly Spec[],
  targets: Tensor[],
): void {
  if (isSlot(template)) {
    if (!(into instanceof Tensor)) {
      throw argumentError(where, `${placeOf(path)} to be a Tensor`, into);
    }
    checkTarget(where, path, into, specs[template.index] as Spec);
    targets[template.index] = into;
    return;
  }
  if (isStatic(template)) {
    if (Object.is(template, into)) return;
    throw argumentError(where, `${placeOf(path)} to be ${show(template)}, as the result is,`, into);
  }
  const container = template as Container;
  if (!sameKeys(container, into)) {
    const expected = `${placeOf(path)} to be ${describeContainer(container)}, as the result is,`;
    throw argumentError(where, expected, into);
  }
  const given = new Map(entriesOf(into));
  for (const [key, part] of entriesOf(container)) {
    collect(where, part, given.get(key), [...path, key], specs, targets);
  }
}

function overlap(a: Tensor['data'], b: Tensor['data']): boolean {
  return (
    a.buffer === b.buffer &&
    a.byteOffset < b.byteOffset + b.byteLength &&
    b.byteOffset < a.byteOffset + a.byteLength
  );
}

/** What calls that have not settled are to fill, by its memory. */
const filling = new Map<unknown, Set<Tensor['data']>>();

/** Whether a call that has not settled is to fill memory of `tensor`. */
function isFilling({ data }: Tensor): boolean {
  const others = filling.get(data.buffer);
  return others !== undefined && [...others].some((other) => overlap(other, data));
}

function busy(where: string, place: string): StridenetError {
  const message = `[${where}] ${place} is to be filled by a call that has not settled: await it first`;
  return new StridenetError('ERR_BUSY', message);
}

/** Throws ERR_BUSY that names an argument which a call that has not settled is to fill. */
export function checkSettled(
  where: string,
  inputs: readonly unknown[],
  tensors: readonly Tensor[],
): void {
  if (filling.size === 0 || !tensors.some(isFilling)) return;
  mapTree(where, inputs, isOperand, (leaf, path) => {
    if (leaf instanceof Tensor && isFilling(leaf)) throw busy(where, formatArgumentPath(path));
  });
}

/** Runs a call that fills `targets`, which nothing else may take meanwhile. */
export async function whileFilling<T>(
  targets: readonly Tensor['data'][],
  body: () => Promise<T>,
): Promise<T> {
  for (const data of targets) {
    const others = filling.get(data.buffer);
    if (others === undefined) filling.set(data.buffer, new Set([data]));
    else others.add(data);
  }
  try {
    return await body();
  } finally {
    for (const data of targets) {
      const others = filling.get(data.buffer);
      others?.delete(data);
      if (others?.size === 0) filling.delete(data.buffer);
    }
  }
}

/** Throws when a target shares memory with another one, or with one of a call under way. */
function checkDisjoint(where: string, template: unknown, targets: readonly Tensor[]): void {
  const buffers = new Set(targets.map(({ data }) => data.buffer));
  if (buffers.size === targets.length && !targets.some(isFilling)) return;
  mapTree(where, template, isSlot, ({ index }, path) => {
    const target = targets[index] as Tensor;
    if (isFilling(target)) throw busy(where, placeOf(path));
    if (targets.some((other, i) => i < index && overlap(other.data, target.data))) {
      const expected = `${placeOf(path)} to be no memory that is there twice`;
      throw argumentError(where, expected, target);
    }
  });
}

/**
 * The Tensors of `into` in the order of the outputs whose places they are to take.
 *
 * @param specs of the outputs
 * @throws ERR_ARGUMENT, ERR_DTYPE or ERR_SHAPE that names the place in `into`; ERR_BUSY for memory
 *   that a call which has not settled is to fill
 */
export function targetsOf(
  where: string,
  template: unknown,
  into: unknown,
  specs: readonly Spec[],
): Tensor[] {
  const targets: Tensor[] = [];
  collect(where, template, into, [], specs, targets);
  checkDisjoint(where, template, targets);
  return targets;
}
