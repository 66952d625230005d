import { inspect } from 'node:util';
import { argumentError, StridenetError } from '../errors.ts';
import type { Attributes, Operand, Operator, Spec, Variable } from '../ops/operator.ts';
import { checkShape, elementCount, type Shape } from '../shape.ts';
import { checkDType, type DType, describe, noNumber, Tensor } from '../tensor.ts';

/** How an input of a graph gets its value: anew each step, or kept between steps. */
export type InputRole = 'feed' | 'state';

/** What JSON.stringify makes of a value in a graph. */
export interface VariableJson {
  /** Of an input; null for others. */
  name: string | null;
  /** The operator that it was recorded as an output of; null for inputs and constants. */
  producer: string | null;
  /** Of its elements. */
  dtype: DType;
  /** Sizes; of a batched value at the bound of the batch. */
  shape: number[];
  /** The first size is the batch; absent where it is not. */
  batched?: true;
}

let nextId = 0;

/** What Tensors have that asks for their elements. */
const ofElements = ['item', 'toArray', 'to', 'clone'];

/** The error of a value without elements that is asked for them by `member`. */
function noElements(value: GraphVariable, member: string): StridenetError {
  return new StridenetError(
    'ERR_ARGUMENT',
    `[trace] ${member} of ${value}: a traced value has no numbers yet. Compute with operators (sn.ops.mul(v, 2)), choose with sn.ops.where(sn.ops.less(a, b), x, y), or evaluate the function on Tensors`,
  );
}

/** A value in a graph. Identity counts: passes keep variables and replace nodes. */
export class GraphVariable implements Variable {
  /** Tells it from a Tensor. */
  readonly traced = true as const;
  /** Counted up over all traces of the process. */
  readonly id: number = nextId++;
  /** Sizes; of a batched value at the bound of the batch. */
  readonly shape: Shape;
  /** Of its elements. */
  readonly dtype: DType;
  /** The first size is the batch. */
  readonly batched?: boolean;
  /**
   * Where it is recorded.
   * @internal
   */
  readonly tracer: Tracer;
  /** What an input is called in messages and drawings; null for others. */
  readonly name: string | null;
  /** The name of the operator that it was recorded as an output of; null for inputs and constants. */
  readonly producer: string | null;

  constructor(tracer: Tracer, spec: Spec, name: string | null, producer: string | null) {
    this.tracer = tracer;
    this.shape = spec.shape;
    this.dtype = spec.dtype;
    if (spec.batched) this.batched = true;
    this.name = name;
    this.producer = producer;
  }

  /** The number of elements; of a batched value at the bound of the batch. */
  get size(): number {
    return elementCount(this.shape);
  }

  /** Its name or the operator that it comes from, dtype and shape. */
  toString(): string {
    return `[${this.name ?? this.producer ?? 'constant'}: ${describe(this)}]`;
  }

  /** What JSON.stringify writes. */
  toJSON(): VariableJson {
    const { name, producer, dtype, shape } = this;
    const batched = this.batched ? ({ batched: true } as const) : {};
    return { name, producer, dtype, shape: [...shape], ...batched };
  }

  /**
   * In text `toString()`; throws ERR_ARGUMENT where a number is wanted, as by `+`, `<` and Math.
   * @param hint what JavaScript wants: 'string', 'number' or 'default'
   */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString();
    const advice =
      'a traced value has no numbers yet (sn.ops.where chooses between values), its text is String(v)';
    throw noNumber(`a traced value ${describe(this)}`, advice);
  }

  /** What console.log shows. */
  [inspect.custom](): string {
    return this.toString();
  }

  // Outside of the type: a value has none of these, and says so.
  static {
    const define = (name: string, descriptor: PropertyDescriptor & ThisType<GraphVariable>) =>
      Object.defineProperty(GraphVariable.prototype, name, descriptor);
    for (const name of ofElements) {
      define(name, {
        value(): never {
          throw noElements(this, `${name}()`);
        },
      });
    }
    define('data', {
      get(): never {
        throw noElements(this, 'data');
      },
    });
  }
}

/** A call of an operator. */
export interface Node {
  /** What is called; `operator.name` is as in `ops`. */
  readonly operator: Operator;
  /** Operands; null for one that is left out. */
  readonly inputs: readonly (GraphVariable | null)[];
  /** Results. */
  readonly outputs: readonly GraphVariable[];
  /** Settings of the call, complete. */
  readonly attributes: Attributes;
  /** The layers it was recorded in, outermost first, joined by '/'; '' outside of any. */
  readonly scope: string;
  /** For a fused node: the calls it stands for, which the reference runs. */
  readonly parts?: readonly Node[];
}

/** An input with its role. */
export interface GraphInput {
  /** Its value within the graph. */
  readonly variable: GraphVariable;
  /** How it gets its value. */
  readonly role: InputRole;
}

/** The new value that a state has after a step. */
export interface StateUpdate {
  /** An input with the role 'state'. */
  readonly state: GraphVariable;
  /** Of the state's shape and dtype. */
  readonly value: GraphVariable;
}

/** A function of operators as data: nodes in an order in which each follows its operands. */
export interface Graph {
  /** Feeds and states. */
  readonly inputs: readonly GraphInput[];
  /** The graph's own memory, not copies: not to be written to. */
  readonly constants: ReadonlyMap<GraphVariable, Tensor>;
  /** Each behind those that compute its operands. */
  readonly nodes: readonly Node[];
  /** What the graph is computed for. */
  readonly outputs: readonly GraphVariable[];
  /** What states are after a step. */
  readonly updates: readonly StateUpdate[];
  /** The bound of the batch, 0 when nothing is batched. */
  readonly batch: number;
}

const scopes: string[] = [];
/** Of the scopes; each is a frame of a drawing. */
const maxScopes = 100;

/**
 * Runs `body`; the nodes recorded meanwhile carry `name` in their scope.
 * @param name put behind those of the scopes that it is called in, after a '/'; 'a/b' is two names
 * @param body called at once; what it gives is given on
 * @throws ERR_ARGUMENT for a name that is no string, a body that is no function, and more than 100
 *   names within each other
 */
export function scoped<T>(name: string, body: () => T): T {
  if (typeof name !== 'string') throw argumentError('scoped', 'a name, a string,', name);
  if (typeof body !== 'function') throw argumentError('scoped', 'a function to run', body);
  const levels = [...scopes, name].join('/').split('/').length;
  if (levels > maxScopes) {
    throw argumentError('scoped', `at most ${maxScopes} names within each other`, levels);
  }
  scopes.push(name);
  try {
    return body();
  } finally {
    scopes.pop();
  }
}

/** The error of a value that is used where it is not known. */
export function escaped(where: string, origin: string): StridenetError {
  return new StridenetError(
    'ERR_ARGUMENT',
    `[${where}] a value of ${origin} was used: values do not leave the function that is traced`,
  );
}

const { freeze } = Object;

/** Records the calls of operators on its variables. */
export class Tracer {
  readonly inputs: GraphInput[] = [];
  readonly constants = new Map<GraphVariable, Tensor>();
  readonly nodes: Node[] = [];
  readonly #known = new Map<Tensor, GraphVariable>();
  #ended = false;

  /** From now on nothing may be recorded: the function that was traced has returned. */
  end(): void {
    this.#ended = true;
  }

  /** A new input. Throws ERR_SHAPE or ERR_ARGUMENT for a spec that is none. */
  input(spec: Spec, role: InputRole = 'feed', name: string | null = null): GraphVariable {
    checkShape('trace', spec.shape);
    checkDType('trace', spec.dtype);
    const copy = { shape: [...spec.shape], dtype: spec.dtype, batched: spec.batched === true };
    const variable = new GraphVariable(this, copy, name, null);
    this.inputs.push(freeze({ variable, role }));
    return variable;
  }

  /** A constant of the graph: a copy of `tensor`, made once for each tensor. */
  constant(tensor: Tensor): GraphVariable {
    const known = this.#known.get(tensor);
    if (known !== undefined) return known;
    const variable = new GraphVariable(this, tensor, null, null);
    this.constants.set(variable, tensor.clone());
    this.#known.set(tensor, variable);
    return variable;
  }

  /**
   * A call whose operands that are Tensors become constants.
   * @throws what `infer` throws; ERR_ARGUMENT for a value of another trace, or after `end`
   */
  record(
    operator: Operator,
    operands: readonly (Operand | null)[],
    attributes: Attributes,
  ): readonly GraphVariable[] {
    if (this.#ended) throw escaped(operator.name, 'a trace that has ended');
    const inputs = freeze(operands.map((operand) => this.#own(operator, operand)));
    const specs = operator.infer(inputs, attributes);
    const outputs = freeze(
      specs.map((spec) => {
        checkShape(operator.name, spec.shape);
        return new GraphVariable(this, spec, null, operator.name);
      }),
    );
    this.nodes.push(freeze({ operator, inputs, outputs, attributes, scope: scopes.join('/') }));
    return outputs;
  }

  /** The graph that computes `outputs` and the new values of states. */
  graph(outputs: readonly Operand[], updates: readonly StateUpdate[] = []): Graph {
    const owned = outputs.map((output) => this.#own(null, output) as GraphVariable);
    const batches = new Set(
      this.inputs
        .filter(({ variable }) => variable.batched)
        .map(({ variable }) => variable.shape[0]),
    );
    if (batches.size > 1) {
      throw argumentError('trace', 'one batch size for all batched inputs', [...batches]);
    }
    return {
      inputs: freeze([...this.inputs]),
      constants: new Map(this.constants),
      nodes: freeze([...this.nodes]),
      outputs: freeze(owned),
      updates: freeze([...updates]),
      batch: [...batches][0] ?? 0,
    };
  }

  #own(operator: Operator | null, operand: Operand | null): GraphVariable | null {
    if (operand === null) return null;
    if (operand instanceof Tensor) return this.constant(operand);
    if (operand instanceof GraphVariable && operand.tracer === this) return operand;
    throw escaped(operator?.name ?? 'trace', 'another trace');
  }
}

/** The tracer of the variables among `operands`, or null when all are tensors. */
export function tracerOf(operands: readonly (Operand | null)[]): Tracer | null {
  for (const operand of operands) if (operand instanceof GraphVariable) return operand.tracer;
  return null;
}
