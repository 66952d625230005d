import { defaultBackend } from '../backends/index.ts';
import { checkSynchronous, noValue, StridenetError } from '../errors.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import { checkInteger } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { isOperand, isPlainObject, mapTree, type TensorsOf } from '../tree.ts';
import { Calls } from './calls.ts';
import { checkSettled, fill, slotsOf, targetsOf, whileFilling } from './into.ts';
import { checkCall, checkNoOptions, prepare, tensorsOf } from './prepare.ts';
import { type Signature, signatureOf } from './signature.ts';
import type {
  ArgumentGradients,
  GradientFunction,
  Outputs,
  RunOptions,
  TensorArguments,
  ValueAndGradients,
  ValueAndGradientsFunction,
} from './types.ts';

/** How a function is compiled. */
export interface CompileOptions extends RunOptions {
  /** Programs that are kept, one for each combination of shapes; default 32. */
  keep?: number;
}

/** The options of `compile` besides those of a run. */
const compileOptions = ['keep'];

/** What a compiled function of values `R` gives: a Tensor for each. */
export type Compiled<R> = TensorsOf<R>;

/** What compiled functions have besides a call. */
interface Releasable {
  /** Frees all Programs, once the calls that were made before are done; later ones are refused. */
  dispose(): void;
  /** `dispose()`, for `using f = …`. */
  [Symbol.dispose](): void;
}

/**
 * A compiled function of arguments `A` to values `R`.
 * @param inputs Tensors in place of its operands, and last, if wanted, what takes the values
 */
export interface CompiledFunction<
  A extends readonly unknown[] = readonly Variable[],
  R = Operand | readonly Operand[],
> extends Releasable {
  (...inputs: TensorArguments<A>): Promise<Compiled<R>>;
  (...inputs: [...TensorArguments<A>, { into: Compiled<R> | undefined }]): Promise<Compiled<R>>;
}

/**
 * A compiled `grad(f)`, with the gradients of the Tensors that it is called with.
 * @param inputs Tensors in place of its operands, and last, if wanted, what takes the results
 */
export interface CompiledGradients<A extends readonly unknown[]> extends Releasable {
  <T extends TensorArguments<A>>(
    ...inputs: [...T, { into: ArgumentGradients<TensorArguments<A>> | undefined }]
  ): Promise<ArgumentGradients<T>>;
  <T extends TensorArguments<A>>(...inputs: T): Promise<ArgumentGradients<T>>;
  // Without type parameters, for ReturnType.
  (...inputs: TensorArguments<A>): Promise<ArgumentGradients<TensorArguments<A>>>;
}

/**
 * A compiled `valueAndGrad(f)`, with the gradients of the Tensors that it is called with.
 * @param inputs Tensors in place of its operands, and last, if wanted, what takes the results
 */
export interface CompiledValueAndGradients<A extends readonly unknown[]> extends Releasable {
  <T extends TensorArguments<A>>(
    ...inputs: [...T, { into: ValueAndGradients<TensorArguments<A>> | undefined }]
  ): Promise<ValueAndGradients<T>>;
  <T extends TensorArguments<A>>(...inputs: T): Promise<ValueAndGradients<T>>;
  // Without type parameters, for ReturnType.
  (...inputs: TensorArguments<A>): Promise<ValueAndGradients<TensorArguments<A>>>;
}

/** A Program and the form of its result. */
interface Entry {
  readonly calls: Calls;
  readonly template: unknown;
}

/** Whether an argument is no argument but says where the result goes. */
function isInto(value: unknown): value is { into: unknown } {
  return isPlainObject(value) && 'into' in value && Object.keys(value).length === 1;
}

/** Programs of one function by signature, least recently used first. */
class Programs {
  readonly #fn: (...inputs: never[]) => unknown;
  readonly #options: RunOptions;
  readonly #keep: number;
  readonly #entries = new Map<string, Entry>();
  #latest: Entry | null = null;
  #disposed = false;

  constructor(fn: (...inputs: never[]) => unknown, { keep = 32, ...options }: CompileOptions) {
    this.#fn = fn;
    this.#options = options;
    this.#keep = checkInteger('compile', 'keep', keep, 1);
  }

  async call(inputs: readonly unknown[]): Promise<unknown> {
    if (this.#disposed) {
      throw new StridenetError('ERR_DISPOSED', '[compile] the function was called after dispose()');
    }
    const last = inputs.at(-1);
    const [args, into] = isInto(last) ? [inputs.slice(0, -1), last.into] : [inputs, undefined];
    const signature = signatureOf('compile', args);
    checkSettled('compile', args, signature.tensors);
    const { calls, template } = this.#entryOf(signature, args);
    const feeds = signature.tensors.map(({ data }) => data);
    if (into === undefined) {
      const fetches = await this.#run(calls, feeds);
      return fill('compile', template, tensorsOf(calls.program, fetches));
    }
    const { fetches: specs } = calls.program;
    const targets = targetsOf('compile', template, into, specs).map(({ data }) => data);
    await whileFilling(targets, () => this.#run(calls, feeds, targets));
    return into;
  }

  dispose(): void {
    this.#disposed = true;
    this.#trim();
  }

  #run(
    calls: Calls,
    feeds: readonly Tensor['data'][],
    into?: readonly Tensor['data'][],
  ): ReturnType<Calls['run']> {
    const result = calls.run(feeds, into);
    // By now the Program is in use: none but others are put away for it.
    this.#trim();
    return result;
  }

  #entryOf({ key: own, tensors }: Signature, inputs: readonly unknown[]): Entry {
    const key = this.#options.backend === undefined ? `${defaultBackend()} ${own}` : own;
    const known = this.#entries.get(key);
    const entry = known ?? this.#compile(inputs, tensors);
    if (entry === this.#latest) return entry;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#latest = entry;
    return entry;
  }

  #compile(inputs: readonly unknown[], tensors: readonly Tensor[]): Entry {
    checkNoOptions('compile', this.#fn, inputs, compileOptions);
    let template: unknown;
    const program = prepare((tracer) => {
      const variables = tensors.map((tensor) => tracer.input(tensor));
      let next = 0;
      const traced = mapTree('compile', inputs, isOperand, () => variables[next++]) as never[];
      const result = this.#fn(...traced);
      checkSynchronous('compile', result);
      const slots = slotsOf<Operand>('compile', result, isOperand);
      if (slots.outputs.length === 0) {
        throw noValue('compile', 'a function that gives a value', result);
      }
      template = slots.template;
      return slots.outputs;
    }, this.#options);
    return { calls: new Calls(program, () => this.#trim()), template };
  }

  /** Puts away the least recently used Programs that are too many and idle. */
  #trim(): void {
    const keep = this.#disposed ? 0 : this.#keep;
    if (this.#entries.size <= keep) return;
    for (const [key, { calls }] of this.#entries) {
      if (this.#entries.size <= keep) return;
      if (!calls.idle) continue;
      calls.program.dispose();
      this.#entries.delete(key);
    }
  }
}

/**
 * Compiles a function for each combination of arguments that it meets: their structure, shapes,
 * dtypes and static values. Calls run off JavaScript's thread, one after the other; their inputs are
 * copied before the call returns.
 *
 * Arguments are as those of `valueAndGrad`, and so is the result: a Tensor for each value that `fn`
 * gives, nulls and other static values as they are. A last argument `{ into }`, a result of an
 * earlier call or Tensors arranged like one, is filled and given instead of new Tensors; undefined
 * stands for new ones. It may be memory of the arguments themselves, to update parameters in place.
 * Until the promise is settled its memory belongs to the call: other calls of compiled functions
 * that take it or fill it are refused.
 *
 * @param fn a function of operators; it is called once for each combination, so what else it does is
 *   not repeated, and Tensors that it finds elsewhere are taken as they are then. TypeScript takes
 *   parameters without a type for Variables; static ones have theirs written, also beside a default:
 *   `(x: Variable, k: number = 2)`
 * @param options `keep`: the most Programs kept; beyond it the least recently used one that is not
 *   running is freed, and compiled again when it is called for
 * @returns an asynchronous function of Tensors. Its promise is rejected with what the operators
 *   throw; with ERR_ARGUMENT, ERR_SHAPE or ERR_DTYPE for arguments and `into`, with the place
 *   named; with ERR_ARGUMENT for traced values, since a trace waits for no promise; with
 *   ERR_BUSY for Tensors that a call which has not settled is to fill; with ERR_DISPOSED after
 *   `dispose()`. It may be called again after each of them but the last.
 * @throws ERR_ARGUMENT when `fn` is no function or an option is unknown
 */
export function compile<A extends readonly unknown[]>(
  fn: ValueAndGradientsFunction<A>,
  options?: CompileOptions,
): CompiledValueAndGradients<A>;
export function compile<A extends readonly unknown[]>(
  fn: GradientFunction<A>,
  options?: CompileOptions,
): CompiledGradients<A>;
export function compile<A extends readonly Variable[], R extends Outputs | []>(
  fn: (...inputs: A) => R,
  options?: CompileOptions,
): CompiledFunction<A, R>;
export function compile<A extends readonly unknown[], R extends Outputs | []>(
  fn: (...inputs: A) => R,
  options?: CompileOptions,
): CompiledFunction<A, R>;
export function compile(fn: (...inputs: never[]) => unknown, options: CompileOptions = {}): object {
  checkCall('compile', fn, options, compileOptions);
  const programs = new Programs(fn, options);
  const compiled = (...inputs: unknown[]): Promise<unknown> => programs.call(inputs);
  const dispose = (): void => programs.dispose();
  return Object.assign(compiled, { dispose, [Symbol.dispose]: dispose });
}
