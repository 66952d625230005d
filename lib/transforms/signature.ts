import { argumentError } from '../errors.ts';
import type { Operand } from '../ops/operator.ts';
import { Tensor } from '../tensor.ts';
import { formatArgumentPath, isOperand, isPlainObject, isStatic, maxLevels } from '../tree.ts';
import { mapArguments } from './prepare.ts';

/** What a Program is compiled for, and the Tensors that it is called with. */
export interface Signature {
  /** Equal for arguments of the same structure, shapes, dtypes and static values only. */
  key: string;
  readonly tensors: Tensor[];
}

function addTensor(signature: Signature, tensor: Tensor): boolean {
  const { shape, dtype, data } = tensor;
  let size = 1;
  let key = dtype as string;
  for (const length of shape) {
    size *= length;
    key += `,${length}`;
  }
  signature.key += `${key};`;
  signature.tensors.push(tensor);
  return data.length === size;
}

function addMap(signature: Signature, map: ReadonlyMap<unknown, unknown>, depth: number): boolean {
  signature.key += 'Map{';
  for (const [key, value] of map) {
    if (typeof key !== 'string') return false;
    signature.key += `${JSON.stringify(key)}:`;
    if (!add(signature, value, depth + 1)) return false;
  }
  signature.key += '}';
  return true;
}

/** Adds a tree of arguments to the signature; false when something in it is no argument. */
function add(signature: Signature, value: unknown, depth: number): boolean {
  if (value instanceof Tensor) return addTensor(signature, value);
  if (isStatic(value)) {
    if (typeof value === 'string') signature.key += JSON.stringify(value);
    else signature.key += Object.is(value, -0) ? '-0;' : `${value};`;
    return true;
  }
  if (depth === maxLevels) return false;
  if (Array.isArray(value)) {
    signature.key += '[';
    for (let i = 0; i < value.length; i++) {
      if (!add(signature, value[i], depth + 1)) return false;
    }
    signature.key += ']';
    return true;
  }
  if (value instanceof Map) return addMap(signature, value, depth);
  if (!isPlainObject(value)) return false;
  signature.key += '{';
  for (const key of Object.keys(value)) {
    signature.key += `${JSON.stringify(key)}:`;
    if (!add(signature, value[key], depth + 1)) return false;
  }
  signature.key += '}';
  return true;
}

/** Throws what is wrong with arguments that have no signature. */
function explain(where: string, inputs: readonly unknown[]): void {
  mapArguments(where, inputs, isOperand, (leaf: Operand, path) => {
    if (leaf instanceof Tensor) return;
    const name = formatArgumentPath(path);
    const expected = `${name} to be a Tensor: within a trace call the function itself, which is recorded,`;
    throw argumentError(where, expected, leaf);
  });
}

/** The signature of a list of arguments. Throws ERR_ARGUMENT that names the place of what is none. */
export function signatureOf(where: string, inputs: readonly unknown[]): Signature {
  const signature = { key: '', tensors: [] };
  for (const input of inputs) {
    if (add(signature, input, 1)) continue;
    explain(where, inputs);
    throw argumentError(where, 'an argument that stays as it is', input);
  }
  return signature;
}
