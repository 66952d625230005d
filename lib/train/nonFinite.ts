import { backendOf } from '../backends/index.ts';
import type { GraphVariable } from '../graph/graph.ts';
import { mul } from '../ops/binary.ts';
import { checkFiniteOperator } from '../ops/checkFinite.ts';
import { sum } from '../ops/reduction.ts';
import type { Tensor, TypedArray } from '../tensor.ts';
import type { RunSettings } from './evaluator.ts';
import { type LearnedParameter, type StepOptions, type TracedStep, traceStep } from './step.ts';

/** A batch whose loss is not finite, and the states that it met. */
export interface FailedBatch {
  readonly samples: number;
  /** Of that batch alone. */
  readonly feeds: readonly TypedArray[];
  /** The value of a state by its place among the states. */
  read(index: number): Tensor;
}

/** Where values that are not finite first come up. */
export interface NonFinite {
  /** As part of a sentence: 'the output of layer 3 (dense) is not finite'. */
  readonly text: string;
  /** The layer's label, '3 (dense)', behind those of the layers that it is in and '/'. */
  readonly layer: string | null;
}

interface Place extends NonFinite {
  readonly value: GraphVariable;
}

function isFloat({ dtype }: GraphVariable): boolean {
  return dtype === 'float32' || dtype === 'float64';
}

/** Values that a loss is computed of, in their order, and what it means that one is not finite. */
function placesOf(
  { tracer, outputs, batch }: TracedStep,
  learned: readonly LearnedParameter[],
): Place[] {
  const loss = outputs[0] as GraphVariable;
  const end = tracer.nodes.findIndex((node) => node.outputs.includes(loss));
  const nodes = tracer.nodes.slice(0, end + 1);
  const states = tracer.inputs.flatMap(({ role, variable }) => {
    const known = role === 'state' && learned.some(({ key }) => key === variable.name);
    return known ? [variable] : [];
  });
  const data = [batch.x, batch.y] as GraphVariable[];
  return [
    ...states.map((value) => ({
      value,
      text: `the parameters '${value.name}' are not finite already`,
      layer: null,
    })),
    ...data.filter(isFloat).map((value) => ({
      value,
      text: `the ${value === batch.x ? 'data' : 'targets'} of its batch are not finite`,
      layer: null,
    })),
    ...nodes.flatMap((node) => {
      const layer = node.scope === '' ? null : node.scope;
      const what = layer === null ? `'${node.operator.name}' behind the layers` : `layer ${layer}`;
      const text = `the output of ${what} is the first that is not finite`;
      return node.outputs.filter(isFloat).map((value) => ({ value, text, layer }));
    }),
  ];
}

/**
 * Looks for where a loss that is not finite comes from, by running the batch once more with a look
 * at every value on the way to the loss; null where everything is finite this time.
 */
export function findNonFinite(
  options: StepOptions & { readonly settings: RunSettings },
  learned: readonly LearnedParameter[],
  { samples, feeds, read }: FailedBatch,
): NonFinite | null {
  const traced = traceStep(options, learned);
  const places = placesOf(traced, learned);
  // 0 unless a value is NaN or infinite.
  const flags = places.map(({ value }) => sum(mul(value, 0)) as GraphVariable);
  const { backend, ...rest } = options.settings;
  const graph = traced.tracer.graph(flags);
  // The check itself would end the run before anything is told.
  const nodes = graph.nodes.filter(({ operator }) => operator !== checkFiniteOperator);
  const program = backendOf(backend).prepare({ ...graph, nodes }, rest);
  try {
    program.states.forEach((_, i) => {
      program.write(i, read(i));
    });
    const { fetches } = program.runSync({ steps: 1, batch: Int32Array.of(samples), feeds });
    const found = fetches.findIndex((flag) => flag[0] !== 0);
    return places[found] ?? null;
  } finally {
    program.dispose();
  }
}
