import type { BackendName, Executable, PrepareOptions } from './backends/backend.ts';
import { backendOf, defaultBackend } from './backends/index.ts';
import { argumentError, checkOptions } from './errors.ts';
import { gradients } from './graph/differentiate.ts';
import { GraphVariable, Tracer } from './graph/graph.ts';
import type { Operand, Variable } from './ops/operator.ts';
import { Tensor, type TypedArray } from './tensor.ts';

/** A function of operators: on Tensors it computes, on Variables it is recorded. */
export type TensorFunction = (...inputs: Variable[]) => Operand | readonly Operand[];

/** A function of operators whose value has one element. */
export type ScalarFunction = (...inputs: Variable[]) => Operand;

/** How a function is compiled. */
export interface CompileOptions extends PrepareOptions {
  backend?: BackendName;
}

/** Throws ERR_ARGUMENT unless `fn` is a function and every option is known. */
function checkCall(where: string, fn: unknown, options: unknown): void {
  if (typeof fn !== 'function') throw argumentError(where, 'a function of operators', fn);
  checkOptions(where, options, ['backend', 'threads', 'isa', 'passes']);
}

function list(result: Operand | readonly Operand[]): readonly Operand[] {
  return Array.isArray(result) ? result : [result as Operand];
}

function checkTensors(where: string, inputs: readonly unknown[]): asserts inputs is Tensor[] {
  inputs.forEach((input, i) => {
    if (!(input instanceof Tensor))
      throw argumentError(where, `argument ${i} to be a Tensor`, input);
  });
}

function prepare(
  where: string,
  body: (variables: GraphVariable[]) => readonly Operand[],
  inputs: readonly Tensor[],
  options: CompileOptions,
): Executable {
  checkTensors(where, inputs);
  const tracer = new Tracer();
  const outputs = body(inputs.map((input) => tracer.input(input)));
  const { backend = defaultBackend(), ...rest } = options;
  return backendOf(backend).prepare(tracer.graph(outputs), rest);
}

function tensorsOf(program: Executable, fetches: readonly TypedArray[]): Tensor[] {
  return program.fetches.map(
    ({ shape, dtype }, i) => new Tensor(fetches[i] as TypedArray, shape, dtype),
  );
}

function runOnce(program: Executable, inputs: readonly Tensor[]): Tensor[] {
  try {
    const { fetches } = program.runSync({ steps: 1, feeds: inputs.map(({ data }) => data) });
    return tensorsOf(program, fetches);
  } finally {
    program.dispose();
  }
}

/** A function of one element with its gradient; errors name `where`. */
function differentiated(
  where: string,
  fn: ScalarFunction,
  options: CompileOptions,
): (...inputs: Tensor[]) => { value: Tensor; grads: (Tensor | null)[] } {
  checkCall(where, fn, options);
  return (...inputs) => {
    let places: number[] = [];
    const program = prepare(
      where,
      (variables) => {
        const value = fn(...variables);
        if (!(value instanceof GraphVariable)) {
          throw argumentError(where, 'a function of its arguments', value);
        }
        const adjoints = gradients(value, variables);
        places = adjoints.flatMap((adjoint, i) => (adjoint === null ? [] : [i]));
        return [value, ...adjoints.filter((adjoint) => adjoint !== null)];
      },
      inputs,
      options,
    );
    const [value, ...found] = runOnce(program, inputs);
    const grads: (Tensor | null)[] = inputs.map(() => null);
    places.forEach((place, i) => {
      grads[place] = found[i] as Tensor;
    });
    return { value: value as Tensor, grads };
  };
}

/**
 * The function and its gradient in one: `valueAndGrad(f)(...tensors)` gives `{ value, grads }`, the
 * gradients in the order of the arguments, null for integer ones.
 *
 * @param fn a function of operators whose value has one element
 * @throws ERR_NOT_DIFFERENTIABLE when an operator on the way has no gradient; ERR_ARGUMENT when the
 *   value has more than one element, `fn` is no function or an option is unknown
 */
export function valueAndGrad(
  fn: ScalarFunction,
  options: CompileOptions = {},
): (...inputs: Tensor[]) => { value: Tensor; grads: (Tensor | null)[] } {
  return differentiated('valueAndGrad', fn, options);
}

/** The gradient of a function of one element, see `valueAndGrad`. */
export function grad(
  fn: ScalarFunction,
  options: CompileOptions = {},
): (...inputs: Tensor[]) => (Tensor | null)[] {
  const both = differentiated('grad', fn, options);
  return (...inputs) => both(...inputs).grads;
}

/** What a compiled function gives: a Tensor for each value of `R`. */
export type Compiled<R extends Operand | readonly Operand[]> = R extends readonly Operand[]
  ? { -readonly [I in keyof R]: Tensor }
  : Tensor;

/** A compiled function of values `R`. */
export interface CompiledFunction<
  R extends Operand | readonly Operand[] = Operand | readonly Operand[],
> {
  (...inputs: Tensor[]): Promise<Compiled<R>>;
  /** Frees the Programs of all shapes met so far. */
  dispose(): void;
}

/**
 * Compiles a function once for each combination of shapes and dtypes it meets; calls run off
 * JavaScript's thread.
 *
 * @returns an asynchronous function of Tensors to a Tensor, or to a list when `fn` returns one
 * @throws ERR_ARGUMENT when `fn` is no function or an option is unknown; what the operators throw, on
 *   the first call with new shapes
 */
export function compile<R extends Operand | readonly Operand[]>(
  fn: (...inputs: Variable[]) => R,
  options: CompileOptions = {},
): CompiledFunction<R> {
  checkCall('compile', fn, options);
  const programs = new Map<
    string,
    { program: Executable; single: boolean; queue: Promise<unknown> }
  >();
  const compiled = async (...inputs: Tensor[]): Promise<Compiled<R>> => {
    checkTensors('compile', inputs);
    const key = inputs.map(({ dtype, shape }) => `${dtype}${shape}`).join(';');
    let entry = programs.get(key);
    if (entry === undefined) {
      let single = true;
      const program = prepare(
        'compile',
        (variables) => {
          const result = fn(...variables);
          single = !Array.isArray(result);
          return list(result);
        },
        inputs,
        options,
      );
      entry = { program, single, queue: Promise.resolve() };
      programs.set(key, entry);
    }
    const { program, single } = entry;
    const feeds = inputs.map(({ data }) => data.slice());
    const result = entry.queue.then(() => program.run({ steps: 1, feeds }));
    entry.queue = result.catch(() => undefined);
    const tensors = tensorsOf(program, (await result).fetches);
    return (single ? tensors[0] : tensors) as Compiled<R>;
  };
  compiled.dispose = () => {
    for (const { program } of programs.values()) program.dispose();
    programs.clear();
  };
  return compiled;
}
