import {
  argumentError,
  dtypeError,
  ownFunction,
  StridenetError,
  shapeError,
  show,
  within,
} from '../errors.ts';
import { checkShape, elementCount, formatShape, sameShape } from '../shape.ts';
import { checkDType, type DType, dtypeOfArray } from '../tensor.ts';
import {
  type Attributes,
  type GradientCall,
  isBatched,
  isOperand,
  type Loops,
  type Operand,
  type Operator,
  type Spec,
} from './operator.ts';

/** What is known of a value before it is computed; the batch is one of its sizes. */
export interface OwnSpec {
  /** Sizes. */
  readonly shape: readonly number[];
  /** Of its elements. */
  readonly dtype: DType;
}

/** A user's function: errors name the operator and the function. */
function own<P extends readonly unknown[], R>(
  where: string,
  what: string,
  fn: (...parameters: P) => R,
): (...parameters: P) => R {
  const run = ownFunction(where, what, fn);
  return (...parameters) => within(where, () => run(...parameters));
}

/** Throws ERR_ARGUMENT unless `list` has one entry for each of the names. */
function checkCount(where: string, what: string, list: unknown, names: readonly string[]): void {
  if (Array.isArray(list) && list.length === names.length) return;
  const received = Array.isArray(list) ? `${list.length}` : show(list);
  throw new StridenetError(
    'ERR_ARGUMENT',
    `[${where}] ${what} must give a list of ${names.length}, for ${names.join(', ')}, but gave ${received}`,
  );
}

function hasBatch(input: Spec | null): boolean {
  return input !== null && isBatched(input);
}

/** Runs `body`, the shape rule for one sample more than it took. */
function anyBatch<T>(where: string, samples: number, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    const { code, message } = cause as StridenetError;
    throw new StridenetError(
      code,
      `[${where}] infer takes ${samples} samples but must take any number, and refuses ${samples + 1}: ${message}`,
      { cause },
    );
  }
}

/**
 * The shape rule in terms of sizes alone. Which outputs are batched is found by asking it for one
 * sample more.
 */
export function ownInfer<A extends Attributes>(
  where: string,
  names: readonly string[],
  infer: (inputs: readonly (OwnSpec | null)[], attributes: A) => readonly OwnSpec[],
): Operator<A>['infer'] {
  const run = own(where, 'infer', infer);
  const ask = (inputs: readonly (Spec | null)[], attributes: A, more: number): OwnSpec[] => {
    const plain = inputs.map((input) => {
      if (input === null) return null;
      const [first = 0, ...rest] = input.shape;
      const shape = hasBatch(input) ? [first + more, ...rest] : [...input.shape];
      return { shape, dtype: input.dtype };
    });
    const specs = run(plain, attributes);
    checkCount(where, 'infer', specs, names);
    return specs.map((spec, i) => {
      const place = `${where}, infer of ${names[i]}`;
      if (typeof spec !== 'object' || spec === null) {
        throw argumentError(place, '{ shape, dtype }', spec);
      }
      checkShape(place, spec.shape);
      checkDType(place, spec.dtype);
      return { shape: [...spec.shape], dtype: spec.dtype };
    });
  };
  return (inputs, attributes) => {
    const specs = ask(inputs, attributes, 0);
    if (!inputs.some(hasBatch)) return specs;
    const samples = inputs.find(hasBatch)?.shape[0] ?? 0;
    const larger = anyBatch(where, samples, () => ask(inputs, attributes, 1));
    return specs.map((spec, i): Spec => {
      const [{ shape }, other] = [spec, larger[i]?.shape ?? []];
      if (sameShape(shape, other)) return spec;
      if (shape[0] === samples && sameShape(other, [samples + 1, ...shape.slice(1)])) {
        return { ...spec, batched: true };
      }
      throw shapeError(
        where,
        `infer gives ${names[i]} ${formatShape(shape)} for ${samples} samples but ${formatShape(other)} for ${samples + 1}: the batch may be its first size, and no other`,
      );
    });
  };
}

/** The loops on copies of the operands; what they leave must be what the shape rule says. */
export function ownLoops<A extends Attributes>(
  where: string,
  names: readonly string[],
  loops: Loops<A>,
): Loops<A> {
  const run = own(where, 'loops', loops as (...parameters: Parameters<Loops<A>>) => unknown);
  return (inputs, outputs, attributes) => {
    const specs = outputs.map((output) => ({ shape: output?.shape ?? [], dtype: output?.dtype }));
    const copies = inputs.map((input) => input?.clone() ?? null);
    const result = run(copies, outputs, attributes);
    if (result !== undefined) {
      throw argumentError(where, 'loops to write to its outputs and return nothing', result);
    }
    specs.forEach(({ shape, dtype }, i) => {
      const data: unknown = outputs[i]?.data;
      const [count, size] = [elementCount(shape), (data as Float32Array | undefined)?.length];
      if (dtypeOfArray(data) !== dtype) {
        throw dtypeError(where, `loops must leave ${names[i]} as ${dtype} but left ${show(data)}`);
      }
      if (size !== count || !sameShape(outputs[i]?.shape ?? [], shape)) {
        throw shapeError(
          where,
          `loops must leave ${names[i]} with the ${count} elements of ${formatShape(shape)} but left ${size}`,
        );
      }
    });
  };
}

/** The gradient rule; each message must be like the operand that it is for. */
export function ownGradient<A extends Attributes>(
  where: string,
  names: readonly string[],
  gradient: (call: GradientCall<A>) => readonly (Operand | null)[],
): NonNullable<Operator<A>['gradient']> {
  const run = own(where, 'gradient', gradient);
  return (call) => {
    const messages = run(call);
    checkCount(where, 'gradient', messages, names);
    messages.forEach((message, i) => {
      const [name, input] = [names[i], call.inputs[i] ?? null];
      if (message === null) return;
      if (!isOperand(message)) {
        throw argumentError(
          where,
          `the gradient of ${name} to be a value of operators or null`,
          message,
        );
      }
      if (input === null || !call.wanted[i]) return;
      if (message.dtype !== input.dtype) {
        throw dtypeError(where, `${name} is ${input.dtype} but its gradient is ${message.dtype}`);
      }
      if (!sameShape(message.shape, input.shape)) {
        const shapes = [input.shape, message.shape].map(formatShape);
        throw shapeError(where, `${name} is ${shapes[0]} but its gradient is ${shapes[1]}`);
      }
      if (isBatched(message) !== isBatched(input)) {
        const [given, wanted] = isBatched(input) ? ['does not', 'is'] : ['does', 'is not'];
        throw shapeError(
          where,
          `the gradient of ${name} ${formatShape(input.shape)} ${given} depend on the batch but ${name} ${wanted} batched`,
        );
      }
    });
    return messages;
  };
}

/** The composition as a list of its results. */
export function ownComposition<A extends Attributes>(
  where: string,
  names: readonly string[],
  composition: (inputs: readonly (Operand | null)[], attributes: A) => Operand | readonly Operand[],
): NonNullable<Operator<A>['composition']> {
  const run = own(where, 'composition', composition);
  return (inputs, attributes) => {
    const given: unknown = run(inputs, attributes);
    const results = names.length === 1 && !Array.isArray(given) ? [given] : given;
    checkCount(where, 'composition', results, names);
    for (const result of results as unknown[]) {
      if (!isOperand(result)) {
        throw argumentError(where, 'composition to give values of operators', result);
      }
    }
    return results as Operand[];
  };
}

/** The cost; throws ERR_ARGUMENT unless it is a number of at least 0. */
export function ownCost<A extends Attributes>(
  where: string,
  multiplyAdds: (
    inputs: readonly (OwnSpec | null)[],
    outputs: readonly OwnSpec[],
    attributes: A,
  ) => number,
): NonNullable<Operator<A>['multiplyAdds']> {
  const run = own(where, 'multiplyAdds', multiplyAdds);
  return (inputs, outputs, attributes) => {
    const count: unknown = run(inputs, outputs, attributes);
    if (typeof count === 'number' && count >= 0 && Number.isFinite(count)) return count;
    throw argumentError(where, 'multiplyAdds to give a number of at least 0', count);
  };
}
