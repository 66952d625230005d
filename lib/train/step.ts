import { argumentError } from '../errors.ts';
import { gradients } from '../graph/differentiate.ts';
import { type GraphVariable, type StateUpdate, Tracer } from '../graph/graph.ts';
import type { Loss } from '../losses/index.ts';
import { counterOf, foldedBy, traceLoss } from '../losses/targets.ts';
import { unknownName } from '../nearest.ts';
import { checkFinite } from '../ops/checkFinite.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import { isWithin, type Optimizer } from '../optimizers/optimizer.ts';
import { full, type Tensor, type TypedArray } from '../tensor.ts';
import type { Architecture, NetworkParameter } from './architecture.ts';
import type { BatchSource } from './batches.ts';
import { clipGradients } from './clip.ts';
import { outputOf, parameterInputs } from './inputs.ts';
import { predictionsOf } from './predictions.ts';
import { checkPlaces, groupRates, namedPlaces, type RateGroup, type Rates } from './rates.ts';
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
  readonly clipValue: number | null;
  readonly clipNorm: number | null;
}

/** Numbers of the steps of one run. */
export interface StepNumbers {
  /** Of the first, counted from 1. */
  readonly first: number;
  readonly count: number;
  /** What each step's learning rates are multiplied by. */
  readonly factors: readonly number[];
}

/** A parameter that training changes, with its rule. */
export interface LearnedParameter extends NetworkParameter {
  readonly rule: Optimizer;
}

/**
 * The parameters that training changes: all but states, those of layers with `trainable: false`, and
 * the frozen ones.
 * @throws ERR_ARGUMENT for an entry of `frozen` that is no key and no layer with parameters, and for
 *   one of an optimizer's `noDecay` that is neither, nor the name of a parameter in its layer
 */
export function learnedParameters(options: {
  architecture: Architecture;
  optimizer: Optimizer;
  frozen: readonly string[];
}): LearnedParameter[] {
  const { architecture, optimizer, frozen } = options;
  const keys = architecture.parameters.map(({ key }) => key);
  checkPlaces('frozen', architecture, frozen);
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
  /** The data that states hold. */
  readonly data: ReadonlyMap<GraphVariable, Tensor>;
  /** What other states hold before the first step where that is not zeros; parameters aside. */
  readonly initial: ReadonlyMap<GraphVariable, Tensor>;
  /** What is fed for steps, an input each, behind what the batches feed. */
  readonly feeds: readonly ((steps: StepNumbers) => TypedArray)[];
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

/**
 * The graph of one step: gather a batch, forward, loss, backward, update. The loss is checked
 * before anything is updated, so a step whose loss is not finite changes nothing.
 */
export function traceStep(options: StepOptions, learned: readonly LearnedParameter[]): TracedStep {
  const { architecture, batches, loss, seed, frozen, rates = {} } = options;
  checkPlaces('rates', architecture, Object.keys(rates));
  const tracer = new Tracer();
  const values = parameterInputs(tracer, architecture);
  const initial = new Map<GraphVariable, Tensor>();
  const slots = slotInputs(tracer, learned, architecture, initial);
  const { x, y, states: data } = batches.trace(tracer);
  const scalar = { shape: [], dtype: 'float64' } as const;
  const step = tracer.input(scalar, 'feed', 'step');
  const { groups, of } = groupRates(learned, rates);
  const learningRates = new Map(
    groups.map((group) => [group, tracer.input(scalar, 'feed', 'learningRate')]),
  );
  const changed = new Map<string, Operand>();
  const output = architecture.forward(x, values, {
    logits: foldedBy(loss),
    training: {
      ...{ step, seed },
      holds: (key) => frozen.some((place) => isWithin(key, place)),
      update: (key, value) => void changed.set(key, value),
    },
  });
  const mean = traceLoss('fit', loss, output, y);
  const outputs: Operand[] = [mean];
  const counter = counterOf(loss, outputOf(architecture), batches.targets);
  if (counter) outputs.push(counter(output, y));
  if (options.judged) outputs.push(predictionsOf(architecture, loss, output), y);
  checkFinite(mean);
  const sources = learned.map(({ key }) => values.get(key) as GraphVariable);
  const adjoints = clipGradients(gradients(mean, sources) as Variable[], options);
  const updates = learned.flatMap(({ key, name, rule }, i) => {
    const parameter = sources[i] as GraphVariable;
    const own = slots[i] as GraphVariable[];
    const next = updatedBy(rule, {
      ...{ key, name: name.split('.').at(-1) as string, parameter, step, slots: own },
      gradient: adjoints[i] as Variable,
      learningRate: learningRates.get(of[i] as RateGroup) as GraphVariable,
    });
    return [parameter, ...own].map((state, s) => ({ state, value: next[s] as GraphVariable }));
  });
  for (const [key, value] of changed) {
    updates.push({ state: values.get(key) as GraphVariable, value: value as GraphVariable });
  }
  const feeds = [
    ({ first, count }: StepNumbers) => Float64Array.from({ length: count }, (_, i) => first + i),
    ...groups.map(({ rule, rate }) => ({ factors }: StepNumbers) => {
      return Float64Array.from(factors, (factor) => rule.learningRate * rate * factor);
    }),
  ];
  return { tracer, outputs, updates, data, initial, feeds, classifier: counter !== null };
}
