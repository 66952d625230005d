import { argumentError, checkOptions, checkSynchronous } from '../errors.ts';
import { GraphVariable } from '../graph/graph.ts';
import { UniqueNames } from '../graph/names.ts';
import type { Layer } from '../layers/layer.ts';
import type { Loss } from '../losses/index.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import { checkSeed } from '../random.ts';
import { checkFloatDType, checkMemory, full, Tensor } from '../tensor.ts';
import { Architecture } from '../train/architecture.ts';
import type { Network } from '../train/network.ts';
import type { TensorFunction } from '../transforms/index.ts';
import {
  formatArgumentPath,
  formatPath,
  isOperand,
  leavesOf,
  mapTree,
  type TreePath,
} from '../tree.ts';

/** What can be checked: a function of operators, a layer, a loss, or a network. */
export type Checkable = TensorFunction | Layer | Loss | Network;

/** Settings that checks share. */
export interface SubjectOptions {
  /** Of random directions, of a layer's parameters, and of dropout; default 1. */
  seed?: number;
  /** What the inputs are called in the result; default: "input 0" and so on. */
  names?: readonly string[];
  /** Of layers and networks: as in training, or as in inference; default true. */
  training?: boolean;
}

/** A function of inputs, and values for them with their names. */
export interface Subject {
  readonly fn: (...inputs: Variable[]) => unknown;
  readonly inputs: readonly Tensor[];
  readonly names: readonly string[];
}

function ofArchitecture(
  architecture: Architecture,
  values: ReadonlyMap<string, Tensor>,
  x: Tensor,
  { seed = 1, training = true }: SubjectOptions,
): Subject {
  const learned = architecture.parameters.filter(({ state }) => state !== true);
  const context = {
    training: { step: full([], 1, 'float64'), seed, update: () => undefined },
  };
  return {
    fn: (input, ...given) => {
      const known = new Map<string, Operand>(values);
      learned.forEach(({ key }, i) => {
        known.set(key, given[i] as Variable);
      });
      return architecture.forward(input as Variable, known, training ? context : {});
    },
    inputs: [x, ...learned.map(({ key }) => values.get(key) as Tensor)],
    names: ['input 0', ...learned.map(({ key }) => key)],
  };
}

function only<T>(where: string, what: string, inputs: readonly T[], count: number): T[] {
  if (inputs.length === count) return [...inputs];
  throw argumentError(where, `the ${count === 1 ? 'input' : 'inputs'} of ${what}`, inputs);
}

/**
 * The function that `subject` stands for. A layer's parameters are drawn from the seed, a network's
 * are its own; labels of a loss and states of layers stay as they are.
 * @throws ERR_ARGUMENT for anything that is none of them, and for inputs that are no Tensors or lost
 *   their memory
 */
export function subjectOf(
  where: string,
  subject: Checkable | ((...inputs: never[]) => unknown),
  inputs: readonly unknown[],
  options: SubjectOptions,
  known: readonly string[],
): Subject {
  checkOptions(where, options, [...known, 'seed', 'names', 'training']);
  checkSeed(where, options.seed ?? 1);
  if (!Array.isArray(inputs)) throw argumentError(where, 'a list of inputs', inputs);
  const made = resolve(where, subject, inputs, options);
  const names = made.names.map((name, i) => options.names?.[i] ?? name);
  for (const [i, input] of made.inputs.entries()) checkMemory(where, names[i] as string, input);
  return { ...made, names };
}

function isTensor(value: unknown): value is Tensor {
  return value instanceof Tensor;
}

/** A function of arguments as one of their Tensors, which are named by their places. */
function ofFunction(
  where: string,
  fn: (...inputs: never[]) => unknown,
  inputs: readonly unknown[],
): Subject {
  const names: string[] = [];
  const unique = new UniqueNames();
  const tensors: Tensor[] = [];
  const name = ([first, ...rest]: TreePath): string =>
    rest.length === 0 ? `input ${first}` : formatPath(rest);
  const keep = (tensor: Tensor, path: TreePath): void => {
    tensors.push(tensor);
    names.push(unique.give(name(path)));
  };
  mapTree(where, inputs, isTensor, keep, undefined, formatArgumentPath);
  return {
    fn: (...given) => {
      let next = 0;
      return fn(...(mapTree(where, inputs, isTensor, () => given[next++]) as never[]));
    },
    inputs: tensors,
    names,
  };
}

function resolve(
  where: string,
  subject: Checkable | ((...inputs: never[]) => unknown),
  inputs: readonly unknown[],
  options: SubjectOptions,
): Subject {
  if (typeof subject === 'function') return ofFunction(where, subject, inputs);
  if (!inputs.every(isTensor)) throw argumentError(where, 'a list of Tensors as inputs', inputs);
  if (typeof subject === 'object' && subject !== null) {
    if ('architecture' in subject) {
      const [x] = only(where, 'the network', inputs, 1);
      return ofArchitecture(subject.architecture, subject.parameters(), x as Tensor, options);
    }
    if ('forward' in subject) {
      const [x] = only(where, 'the layer', inputs, 1) as [Tensor];
      const { dtype } = x;
      checkFloatDType(where, dtype);
      const architecture = new Architecture(x.shape.slice(1), [subject], dtype);
      const values = architecture.initialize(options.seed ?? 1);
      const made = ofArchitecture(architecture, values, x, options);
      return { ...made, names: made.names.map((name) => name.replace(/^[^.]*\./, '')) };
    }
    if ('mean' in subject) {
      const [predictions, labels] = only(where, 'the loss', inputs, 2) as [Tensor, Tensor];
      const fn = (x?: Variable) => subject.mean(x as Variable, labels);
      return { fn, inputs: [predictions], names: ['predictions'] };
    }
  }
  throw argumentError(where, 'a function of operators, a layer, a loss or a network', subject);
}

/** The traced values among what a function gave. */
export function outputsOf(where: string, result: unknown): GraphVariable[] {
  checkSynchronous(where, result);
  const outputs = leavesOf(where, result, isOperand);
  return outputs.filter((output): output is GraphVariable => output instanceof GraphVariable);
}
