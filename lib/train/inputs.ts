import type { GraphVariable, Tracer } from '../graph/graph.ts';
import type { SampleOutput } from '../losses/index.ts';
import type { Architecture } from './architecture.ts';

/** What the network gives for each sample. */
export function outputOf({ outputShape, dtype }: Architecture): SampleOutput {
  return { shape: outputShape, dtype };
}

/** The parameters as inputs of a graph, in their order. */
export function parameterInputs(
  tracer: Tracer,
  architecture: Architecture,
): Map<string, GraphVariable> {
  return new Map(
    architecture.parameters.map(({ key, shape }) => [
      key,
      tracer.input({ shape, dtype: architecture.dtype }, 'state', key),
    ]),
  );
}
