import { nearest } from './spelling.ts';

/**
 * Stable identifiers of what went wrong.
 *
 * - `ERR_SHAPE`: sizes that do not fit each other, or do not exist
 * - `ERR_DTYPE`: an element type where another is needed
 * - `ERR_ARGUMENT`: an option or a value outside of what it may be
 * - `ERR_FILE_FORMAT`: a file that is truncated, lies about its size or is of another kind
 * - `ERR_FILE_NOT_FOUND`: a file or a data set that is not there
 * - `ERR_FILE_ACCESS`: a file that the system does not let us read or write
 * - `ERR_NATIVE_NOT_FOUND`: no addon for this machine could be loaded
 * - `ERR_PACKAGE_NOT_FOUND`: an optional package that is not installed
 * - `ERR_LAYOUT`: a picture that the package which lays pictures out fails at
 * - `ERR_PROGRAM`: a Program that the addon refuses
 * - `ERR_MEMORY`: more memory than there is, or than a limit allows
 * - `ERR_NON_FINITE`: a loss that is NaN or infinite
 * - `ERR_NOT_DIFFERENTIABLE`: a gradient that does not exist
 * - `ERR_BUSY`: an object used while a run has it
 * - `ERR_QUEUE_FULL`: more requests at the same time than may wait
 * - `ERR_DISPOSED`: an object used after its end
 * - `ERR_ABORTED`: stopped by a signal
 */
export type ErrorCode =
  | 'ERR_SHAPE'
  | 'ERR_DTYPE'
  | 'ERR_ARGUMENT'
  | 'ERR_FILE_FORMAT'
  | 'ERR_FILE_NOT_FOUND'
  | 'ERR_FILE_ACCESS'
  | 'ERR_NATIVE_NOT_FOUND'
  | 'ERR_PACKAGE_NOT_FOUND'
  | 'ERR_LAYOUT'
  | 'ERR_PROGRAM'
  | 'ERR_MEMORY'
  | 'ERR_NON_FINITE'
  | 'ERR_NOT_DIFFERENTIABLE'
  | 'ERR_BUSY'
  | 'ERR_QUEUE_FULL'
  | 'ERR_DISPOSED'
  | 'ERR_ABORTED';

/** Frames of a stack that reach from where an operand is checked to the caller of an operator. */
const stackFrames = 50;

/**
 * The one error type of the library; `code` is stable, `message` is for people. Its stack has up to
 * 50 frames, so that the caller of the library is among them, unless `Error.stackTraceLimit` is 0.
 */
export class StridenetError extends Error {
  /** Stable: to be tested instead of the message. */
  readonly code: ErrorCode;

  /**
   * An error of the library.
   * @param code what went wrong
   * @param message "[where] expected … but received …"
   * @param options.cause the error behind it; default: none
   */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    const limit = Error.stackTraceLimit;
    const raised = limit > 0 && limit < stackFrames;
    // By Reflect, which does not throw where the property is read-only.
    if (raised) Reflect.set(Error, 'stackTraceLimit', stackFrames);
    super(message, options);
    if (raised) Reflect.set(Error, 'stackTraceLimit', limit);
    this.name = 'StridenetError';
    this.code = code;
  }
}

/** 'a Tensor float32 (3)' or 'a traced value float32 (3)'; null for what is neither. */
function operandText(value: object): string | null {
  const { shape, dtype, traced } = value as Readonly<Record<string, unknown>>;
  if (!Array.isArray(shape) || typeof dtype !== 'string') return null;
  const isTraced = traced === true;
  if (!isTraced && !ArrayBuffer.isView((value as { data?: unknown }).data)) return null;
  return `a ${isTraced ? 'traced value' : 'Tensor'} ${dtype} (${shape.map(String).join(', ')})`;
}

/** 'AsyncGenerator' of one, whose class has no name. */
function typeTag(value: object): string {
  const { [Symbol.toStringTag]: tag } = value as { [Symbol.toStringTag]?: unknown };
  return typeof tag === 'string' && tag !== '' ? tag : 'no type';
}

/** An object as it reads in a message. */
function showObject(value: object): string {
  try {
    const operand = operandText(value);
    if (operand !== null) return operand;
    if (typeof (value as { then?: unknown }).then === 'function') return 'a promise (await it)';
    return `an object of ${Object.getPrototypeOf(value)?.constructor?.name || typeTag(value)}`;
  } catch {
    return 'an object';
  }
}

/** `value` as it reads in a message: short, and never throwing; arrays within `depth` others. */
export function show(value: unknown, depth = 3): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'symbol') return 'a symbol';
  if (Array.isArray(value)) {
    if (depth === 0) return '[…]';
    const shown = value
      .slice(0, 8)
      .map((entry) => show(entry, depth - 1))
      .join(', ');
    return value.length > 8 ? `[${shown}, …]` : `[${shown}]`;
  }
  if (typeof value === 'object' && value !== null) return showObject(value);
  return String(value);
}

/**
 * Handles the rejection of every promise in `value`, or in arrays, plain objects and Maps within it.
 * For values that are refused: the caller is told of that, and cannot catch what the promise is
 * rejected with later, which would end the process.
 */
export function handleRejections(value: unknown): void {
  // What is added to a Set while it is walked is walked too.
  const found = new Set<unknown>([value]);
  for (const each of found) {
    if (typeof each !== 'object' || each === null) continue;
    const { then } = each as Partial<Promise<unknown>>;
    if (typeof then === 'function') {
      then.call(each, undefined, () => undefined);
      continue;
    }
    const prototype: unknown = Object.getPrototypeOf(each);
    const plain = prototype === Object.prototype || prototype === null;
    if (!plain && !Array.isArray(each) && !(each instanceof Map)) continue;
    const inner = each instanceof Map ? each.values() : Object.values(each);
    for (const entry of inner) found.add(entry);
  }
}

/** ERR_ARGUMENT in the one form `[where] expected … but received …`, with `advice` right behind it. */
export function argumentError(
  where: string,
  expected: string,
  received: unknown,
  advice = '',
): StridenetError {
  handleRejections(received);
  return new StridenetError(
    'ERR_ARGUMENT',
    `[${where}] expected ${expected} but received ${show(received)}${advice}`,
  );
}

/** ERR_SHAPE in the one form `[where] …`. */
export function shapeError(where: string, message: string): StridenetError {
  return new StridenetError('ERR_SHAPE', `[${where}] ${message}`);
}

/** ERR_DTYPE in the one form `[where] …`. */
export function dtypeError(where: string, message: string): StridenetError {
  return new StridenetError('ERR_DTYPE', `[${where}] ${message}`);
}

/** ERR_ARGUMENT for an option that is none, with those that there are. */
export class UnknownOptionError extends StridenetError {
  readonly option: string;
  readonly known: readonly string[];

  constructor(where: string, option: string, known: readonly string[]) {
    const near = nearest(option, known);
    const hint = near === null ? ';' : `: did you mean '${near}'?`;
    const others = known.length === 0 ? 'it has none' : `its options are ${known.join(', ')}`;
    super('ERR_ARGUMENT', `[${where}] has no option '${option}'${hint} ${others}`);
    this.option = option;
    this.known = known;
  }
}

/**
 * Throws ERR_ARGUMENT unless `options` is an object of no other keys than `known`: a misspelt option
 * must not be ignored.
 * @param advice what to do where a number, a Tensor or a traced value is given
 */
export function checkOptions(
  where: string,
  options: unknown,
  known: readonly string[],
  advice = '',
): void {
  const promised = typeof (options as Partial<Promise<unknown>> | null)?.then === 'function';
  if (typeof options !== 'object' || options === null || Array.isArray(options) || promised) {
    const names = known.length === 0 ? '' : ` (${known.join(', ')})`;
    const expected = `an object of options${names}`;
    throw argumentError(where, expected, options, typeof options === 'number' ? advice : '');
  }
  const operand = operandText(options);
  if (operand !== null) {
    const message = `${operand} stands where the options belong`;
    throw new StridenetError('ERR_ARGUMENT', `[${where}] ${message}${advice}`);
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw new UnknownOptionError(where, key, known);
  }
}

/** `value` if it is true or false; else throws ERR_ARGUMENT. */
export function checkBoolean(where: string, name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw argumentError(where, `${name} to be true or false`, value);
}

/** `value` if it is a number within [low, high); else throws ERR_ARGUMENT. */
export function checkNumber(
  where: string,
  name: string,
  value: unknown,
  low = 0,
  high = Number.POSITIVE_INFINITY,
): number {
  if (typeof value !== 'number' || !(value >= low && value < high)) {
    throw argumentError(where, `${name} to be a number from ${low} and below ${high}`, value);
  }
  return value;
}

/** Runs `body`, which works by way of other functions: what it throws names `where` first. */
export function within<T>(where: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof StridenetError) || error.message.startsWith(`[${where}`)) throw error;
    const { code, message } = error;
    const named = message.startsWith('[')
      ? `[${where}, ${message.slice(1)}`
      : `[${where}] ${message}`;
    throw new StridenetError(code, named, { cause: error });
  }
}

/**
 * A function that a user wrote, as one whose errors are all StridenetErrors and name it, and that
 * does not run within itself: what would never end is ERR_ARGUMENT instead.
 * @param what the function in messages: 'forward'
 */
export function ownFunction<A extends readonly unknown[], R>(
  where: string,
  what: string,
  fn: (...parameters: A) => R,
): (...parameters: A) => R {
  let running = false;
  return (...parameters) => {
    if (running) {
      throw new StridenetError('ERR_ARGUMENT', `[${where}] ${what} calls itself`);
    }
    running = true;
    try {
      const result = fn(...parameters);
      handleRejections(result);
      return result;
    } catch (error) {
      if (error instanceof StridenetError) throw error;
      const thrown = error instanceof Error ? `${error.name}: ${error.message}` : show(error);
      throw new StridenetError('ERR_ARGUMENT', `[${where}] ${what} threw ${thrown}`, {
        cause: error,
      });
    } finally {
      running = false;
    }
  };
}

/**
 * Throws ERR_ARGUMENT when a function to be traced gave a promise: it must call its operators before
 * it returns.
 */
export function checkSynchronous(where: string, result: unknown): void {
  const { then } = (result ?? {}) as Partial<Promise<unknown>>;
  if (typeof then !== 'function') return;
  handleRejections(result);
  throw new StridenetError(
    'ERR_ARGUMENT',
    `[${where}] expected a function that gives its values at once but received a promise, as async and compiled functions give`,
  );
}

/** ERR_ARGUMENT for a function to be traced that gave `result`, where no value is. */
export function noValue(where: string, expected: string, result: unknown): StridenetError {
  handleRejections(result);
  const cause = result === undefined ? ' (is a return missing?)' : '';
  return new StridenetError(
    'ERR_ARGUMENT',
    `[${where}] expected ${expected} but it gave ${show(result)}${cause}`,
  );
}
