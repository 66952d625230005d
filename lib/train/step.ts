import { argumentError, checkNumber, StridenetError } from '../errors.ts';
import { gradients } from '../graph/differentiate.ts';
import { type GraphVariable, type StateUpdate, Tracer } from '../graph/graph.ts';
import type { Loss } from '../losses/index.ts';
import { counterOf, foldedBy, traceLoss } from '../losses/targets.ts';
import { unknownName } from '../nearest.ts';
import { checkFinite } from '../ops/checkFinite.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import { isWithin, type Optimizer } from '../optimizers/optimizer.ts';
import { full, type Tensor, type TypedArray } from '../tensor.ts';
import { Accumulation } from './accumulation.ts';
import type { Architecture, NetworkParameter } from './architecture.ts';
import { Averaging, type AveragingOptions } from './averaging.ts';
import type { BatchSource } from './batches.ts';
import { clipGradients } from './clip.ts';
import { outputOf, parameterInputs } from './inputs.ts';
import type { StepNumbers } from './numbers.ts';
import { predictionsOf } from './predictions.ts';
import { checkPlaces, groupRates, namedPlaces, type Rates } from './rates.ts';
import { updatedBy } from './update.ts';

/** What the graph of a training step is made of. */
export interface StepOptions {
  readonly architecture: Architecture;
  readonly batches: BatchSource;
  readonly optimizer: Optimizer;
  readonly loss: Loss;
  readonly seed: number;
  /** Keys, or what keys begin with, of parameters and states that stay as they are. */
  readonly frozen: readonly string[];
  /** Default: none. */
  readonly rates?: Rates;
  /** What is predicted and the labels are outputs, for metrics; default false. */
  readonly judged?: boolean;
  /** Batches of a step; default 1. */
  readonly accumulate?: number;
  readonly averaging?: AveragingOptions | null;
  readonly clipValue: number | null;
  readonly clipNorm: number | null;
}

/** A parameter that training changes, with its rule. */
export interface LearnedParameter extends NetworkParameter {
  readonly rule: Optimizer;
}

/**
 * Throws ERR_ARGUMENT where `frozen` and `trainable: false` keep all that training could change, states
 * of layers too. A network without parameters has nothing that anyone could expect to change.
 */
function checkSomethingMoves({ parameters }: Architecture, frozen: readonly string[]): void {
  const isHeld = (key: string): boolean => frozen.some((place) => isWithin(key, place));
  const free = parameters.filter(({ trainable }) => trainable !== false);
  if (parameters.length === 0 || free.some(({ key }) => !isHeld(key))) return;
  if (frozen.length === 0) {
    const message =
      'trainable: false of layers keeps all parameters as they are, so nothing is left';
    throw new StridenetError('ERR_ARGUMENT', `[fit] ${message} to train`);
  }
  const others = free.length < parameters.length ? ' and `trainable: false`' : '';
  const message = `frozen${others} keep all parameters as they are, so nothing is left to train`;
  throw new StridenetError('ERR_ARGUMENT', `[fit, frozen] ${message}`);
}

/**
 * The parameters that training changes: all but states, those of layers with `trainable: false`, and
 * the frozen ones.
 * @throws ERR_ARGUMENT for an entry of `frozen` that is no key and no layer with parameters, where
 *   `frozen` and `trainable: false` leave nothing, and for an entry of an optimizer's `noDecay` that is neither, nor the
 *   name of a parameter in its layer
 */
export function learnedParameters(options: {
  architecture: Architecture;
  optimizer: Optimizer;
  frozen: readonly string[];
}): LearnedParameter[] {
  const { architecture, optimizer, frozen } = options;
  const keys = architecture.parameters.map(({ key }) => key);
  checkPlaces('fit, frozen', architecture, frozen);
  checkSomethingMoves(architecture, frozen);
  const learned = architecture.parameters
    .filter(({ state, trainable }) => state !== true && trainable !== false)
    .filter(({ key }) => !frozen.some((place) => isWithin(key, place)))
    .map((parameter) => ({ ...parameter, rule: parameter.optimizer ?? optimizer }));
  const own = architecture.parameters.flatMap(({ optimizer }) => optimizer ?? []);
  const names = keys.map((key) => key.split('.').at(-1) as string);
  for (const { options, slots } of new Set([optimizer, ...own])) {
    if (typeof options !== 'object' || options === null || !Array.isArray(slots)) {
      throw argumentError('fit', 'optimizers with options and slots, as of sn.optimizers,', slots);
    }
    const { noDecay = [] } = options as { noDecay?: readonly string[] };
    const unknown = noDecay.find(
      (entry) => !names.includes(entry) && !keys.some((key) => isWithin(key, entry)),
    );
    if (unknown === undefined) continue;
    const known = [...namedPlaces(architecture), ...new Set(names)];
    throw unknownName('fit, noDecay', 'key or name of a parameter or a layer', unknown, known);
  }
  return learned;
}

/** The graph of a training step, and what its inputs are. */
export interface TracedStep {
  readonly tracer: Tracer;
  readonly outputs: readonly Operand[];
  readonly updates: readonly StateUpdate[];
  /** The batch as the layers and the loss take it. */
  readonly batch: { readonly x: Operand; readonly y: Operand };
  /** The data that states hold. */
  readonly data: ReadonlyMap<GraphVariable, Tensor>;
  /** What other states hold before the first step where that is not zeros; parameters aside. */
  readonly initial: ReadonlyMap<GraphVariable, Tensor>;
  /** What is fed for batches, an input each, behind what their source feeds. */
  readonly feeds: readonly ((numbers: StepNumbers) => TypedArray)[];
  /** Averages of parameters, by their keys. */
  readonly averages: ReadonlyMap<string, GraphVariable>;
  /** States that are zeros before every step. */
  readonly passing: ReadonlySet<GraphVariable>;
  /** The second output counts samples that are right. The last two may be what is `judged`. */
  readonly classifier: boolean;
}

/** Slots of each parameter, as states whose names are 'key.slot'; `initial` takes their beginnings. */
function slotInputs(
  tracer: Tracer,
  learned: readonly LearnedParameter[],
  { dtype }: Architecture,
  initial: Map<GraphVariable, Tensor>,
): GraphVariable[][] {
  return learned.map(({ key, shape, rule }) =>
    rule.slots.map((slot) => {
      const state = tracer.input({ shape, dtype }, 'state', `${key}.${slot}`);
      const start = rule.initial?.[slot];
      if (start !== undefined) initial.set(state, full(shape, start, dtype));
      return state;
    }),
  );
}

/** What the update of a step goes by. */
interface UpdateInputs {
  readonly learned: readonly LearnedParameter[];
  readonly parameters: readonly GraphVariable[];
  readonly slots: readonly (readonly GraphVariable[])[];
  readonly gradients: readonly Variable[];
  readonly step: GraphVariable;
  /** Of each parameter. */
  readonly rates: readonly GraphVariable[];
}

/** The parameters and their slots after a step, and the states of what goes with it. */
function traceUpdates(
  { learned, parameters, slots, gradients, step, rates }: UpdateInputs,
  accumulation: Accumulation | null,
  averaging: Averaging | null,
): StateUpdate[] {
  const updates = learned.flatMap(({ key, name, rule }, i) => {
    const states = [parameters[i] as GraphVariable, ...(slots[i] as GraphVariable[])];
    const [parameter, ...own] = states as [GraphVariable, ...GraphVariable[]];
    const next = updatedBy(rule, {
      ...{ key, name: name.split('.').at(-1) as string, parameter, step, slots: own },
      gradient: gradients[i] as Variable,
      learningRate: rates[i] as GraphVariable,
    }).map((value, s) => accumulation?.kept(value, states[s] as GraphVariable) ?? value);
    averaging?.add(key, next[0] as GraphVariable);
    return states.map((state, s) => ({ state, value: next[s] as GraphVariable }));
  });
  return [...updates, ...(averaging?.updates ?? []), ...(accumulation?.updates ?? [])];
}

/**
 * The graph of one batch: gather it, forward, loss, backward, update. The loss is checked before
 * anything is updated, so a step whose loss is not finite changes nothing. Where several batches
 * make a step, only the last of them changes parameters.
 */
export function traceStep(options: StepOptions, learned: readonly LearnedParameter[]): TracedStep {
  const { architecture, batches, loss, seed, frozen, rates = {}, accumulate = 1 } = options;
  checkPlaces('fit, rates', architecture, Object.keys(rates));
  const tracer = new Tracer();
  const values = parameterInputs(tracer, architecture);
  const initial = new Map<GraphVariable, Tensor>();
  const slots = slotInputs(tracer, learned, architecture, initial);
  const { x, y, labels = y, states: data } = batches.trace(tracer);
  const scalar = { shape: [], dtype: 'float64' } as const;
  const step = tracer.input(scalar, 'feed', 'step');
  const { groups, of } = groupRates(learned, rates);
  const learningRates = groups.map(() => tracer.input(scalar, 'feed', 'learningRate'));
  const feeds: ((numbers: StepNumbers) => TypedArray)[] = [
    ({ steps }) => Float64Array.from(steps),
    ...groups.map(({ rule, rate }) => ({ factors }: StepNumbers) => {
      const given = checkNumber('fit', `the learning rate of ${rule.kind}`, rule.learningRate);
      return Float64Array.from(factors, (factor) => given * rate * factor);
    }),
  ];
  const accumulation = accumulate > 1 ? new Accumulation(tracer, architecture.dtype) : null;
  if (accumulation) feeds.push(...accumulation.feeds);
  const averaging = options.averaging ? new Averaging(tracer, options.averaging) : null;
  if (averaging) feeds.push((numbers) => averaging.feed(numbers));
  // Batches of one step drop out different values.
  const batch = accumulation ? tracer.input(scalar, 'feed', 'batch') : step;
  if (accumulation) feeds.push((numbers) => Float64Array.from(numbers.batches));
  const changed = new Map<string, Operand>();
  const output = architecture.forward(x, values, {
    logits: foldedBy(loss),
    training: {
      ...{ step: batch, seed },
      holds: (key) => frozen.some((place) => isWithin(key, place)),
      update: (key, value) => void changed.set(key, value),
    },
  });
  const mean = traceLoss('fit', loss, output, y);
  const outputs: Operand[] = [mean];
  const counter = counterOf(loss, outputOf(architecture), batches.targets);
  if (counter) outputs.push(counter(output, y));
  if (options.judged) outputs.push(predictionsOf(architecture, loss, output), labels);
  checkFinite(mean);
  const parameters = learned.map(({ key }) => values.get(key) as GraphVariable);
  const found = (gradients(mean, parameters) as Variable[]).map((gradient, i) => {
    return accumulation?.mean((learned[i] as LearnedParameter).key, gradient) ?? gradient;
  });
  const inputs = {
    ...{ learned, parameters, slots, step, gradients: clipGradients(found, options) },
    rates: of.map((group) => learningRates[groups.indexOf(group)] as GraphVariable),
  };
  const updates = traceUpdates(inputs, accumulation, averaging);
  for (const [key, value] of changed) {
    updates.push({ state: values.get(key) as GraphVariable, value: value as GraphVariable });
  }
  return {
    ...{ tracer, outputs, updates, data, initial, feeds, batch: { x, y } },
    averages: averaging?.states ?? new Map<string, GraphVariable>(),
    passing: new Set(accumulation?.updates.map(({ state }) => state)),
    classifier: counter !== null,
  };
}
