import type { Executable } from '../backends/backend.ts';
import { argumentError } from '../errors.ts';
import { checkFloat, gradients } from '../graph/differentiate.ts';
import type { GraphVariable } from '../graph/graph.ts';
import type { Operand, Spec, Variable } from '../ops/operator.ts';
import { elementCount } from '../shape.ts';
import { allocate, Tensor } from '../tensor.ts';
import { formatArgumentPath, isOperand, mapTree } from '../tree.ts';
import { floatOf, mirror } from './grad.ts';
import { checkCall, checkNoOptions, mapArguments, prepare } from './prepare.ts';
import type { ArgumentGradients, RunOptions, Scalar, TensorArguments } from './types.ts';

/** Rows of the identity that are fed at once hold at most so many elements. */
const maxSeeds = 2 ** 20;

/**
 * The Jacobians of a function by its arguments, which they mirror.
 * @param inputs those of the function, Tensors in place of its operands
 */
export type JacobianFunction<A extends readonly unknown[]> = <T extends TensorArguments<A>>(
  ...inputs: T
) => ArgumentGradients<T>;

/** Feeds the rows of the identity of `of`'s size; row i gives row i of each fetch. */
function runRows(program: Executable, of: Spec): Tensor[] {
  const size = elementCount(of.shape);
  const results = program.fetches.map(
    ({ shape, dtype }) =>
      new Tensor(allocate(dtype, size * elementCount(shape)), [...of.shape, ...shape], dtype),
  );
  const most = Math.max(1, Math.floor(maxSeeds / Math.max(1, size)));
  for (let start = 0; start < size; start += most) {
    const steps = Math.min(most, size - start);
    const seeds = allocate(of.dtype, steps * size);
    for (let row = 0; row < steps; row++) seeds[row * size + start + row] = 1;
    const into = results.map(({ data }) => {
      const row = data.length / size;
      return data.subarray(start * row, (start + steps) * row);
    });
    program.runSync({ steps, feeds: [seeds], into });
  }
  return results;
}

function jacobians(
  fn: (...inputs: never[]) => unknown,
  inputs: readonly unknown[],
  options: RunOptions,
): unknown {
  checkNoOptions('jacobian', fn, inputs);
  const leaves: Tensor[] = [];
  mapArguments('jacobian', inputs, isOperand, (leaf: Operand, path) => {
    if (leaf instanceof Tensor) return leaves.push(leaf);
    const name = formatArgumentPath(path);
    const expected = `${name} to be a Tensor: within a trace gradients(y, sources, seed) is recorded,`;
    throw argumentError('jacobian', expected, leaf);
  });
  let output: GraphVariable | null = null;
  let wanted: readonly boolean[] = [];
  const program = prepare((tracer) => {
    const sources: Variable[] = leaves.map((leaf) => tracer.input(leaf, 'state'));
    let next = 0;
    const traced = mapTree('jacobian', inputs, isOperand, () => sources[next++]) as never[];
    output = floatOf('jacobian', tracer, fn(...traced));
    checkFloat('jacobian', output);
    const found = gradients(output, sources, tracer.input(output));
    wanted = found.map((gradient) => gradient !== null);
    return found.filter((gradient) => gradient !== null);
  }, options);
  try {
    leaves.forEach((leaf, i) => {
      program.write(i, leaf);
    });
    const rows = runRows(program, output as unknown as GraphVariable);
    const found = wanted.map((is) => (is ? (rows.shift() as Tensor) : null));
    return mirror('jacobian', inputs, found);
  } finally {
    program.dispose();
  }
}

/**
 * The Jacobians of a function: `jacobian(f)(...inputs)` is a list as that of `grad`, with
 * J (…y, …x) = ∂y/∂x for each floating Tensor x, of y's shape followed by x's. `jacobian(grad(f))`
 * is the Hessian of a function of one argument.
 *
 * Each element of y takes one run of the function and of reverse mode; products with a Jacobian
 * take one in all: `grad` of a function that sums y times a weight.
 *
 * @param fn a function of operators that gives one floating value y of any shape, alone or beside
 *   nulls
 * @throws what `grad` throws, but for the shape of y; ERR_ARGUMENT for traced values
 */
export function jacobian<A extends readonly Variable[]>(
  fn: (...inputs: A) => Scalar,
  options?: RunOptions,
): JacobianFunction<A>;
export function jacobian<A extends readonly unknown[]>(
  fn: (...inputs: A) => Scalar,
  options?: RunOptions,
): JacobianFunction<A>;
export function jacobian(
  fn: (...inputs: never[]) => unknown,
  options: RunOptions = {},
): (...inputs: unknown[]) => unknown {
  checkCall('jacobian', fn, options);
  return (...inputs) => jacobians(fn, inputs, options);
}
