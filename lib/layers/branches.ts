import { argumentError, checkOptions, shapeError } from '../errors.ts';
import { add } from '../ops/binary.ts';
import { concat } from '../ops/concat.ts';
import type { Variable } from '../ops/operator.ts';
import { formatShape, type Shape, sameShape } from '../shape.ts';
import type { Activation } from './activations.ts';
import { Block } from './block.ts';
import { type Layer, type LearnedOptions, learnedOptionNames, makeLayer } from './layer.ts';

/** Settings of branches. */
export interface BranchesOptions extends LearnedOptions {
  /** Each takes the input; an empty one is the input itself. */
  branches: readonly (readonly Layer[])[];
  /** 'concat' along the channels (the first axis of a sample), or 'add'; default 'concat'. */
  merge?: 'concat' | 'add';
  /** Of what is merged; default 'linear': none. */
  activation?: Activation;
}

/** Throws ERR_SHAPE unless all outputs are of one shape, but for the channels that are put together. */
function checkOutputs(merge: 'concat' | 'add', outputs: readonly Shape[]): void {
  const rest = merge === 'add' ? 0 : 1;
  const first = outputs[0] as Shape;
  if (outputs.every((shape) => sameShape(shape.slice(rest), first.slice(rest)))) return;
  const what = merge === 'add' ? 'have one shape' : 'differ in their channels alone';
  const shapes = outputs.map(formatShape).join(', ');
  throw shapeError('branches', `what the branches give must ${what} but is ${shapes}`);
}

/**
 * Several ways through a network side by side, their outputs concatenated or added (Szegedy and
 * others 2015). Parameters: '0.1.weight' of layer 1 of branch 0, and so on.
 * @throws ERR_ARGUMENT for an option that is none; the network throws ERR_SHAPE when the branches'
 *   outputs do not fit each other
 */
export function branches(options: BranchesOptions): Layer {
  checkOptions('branches', options, ['branches', 'merge', 'activation', ...learnedOptionNames]);
  const { merge = 'concat' } = options;
  if (merge !== 'concat' && merge !== 'add') {
    throw argumentError('branches', "merge to be 'concat' or 'add'", merge);
  }
  if (!Array.isArray(options.branches) || options.branches.length === 0) {
    throw argumentError('branches', 'branches to be lists of layers', options.branches);
  }
  const blocks = options.branches.map((layers, i) => new Block('branches', layers, String(i)));
  return makeLayer({
    kind: 'branches',
    options,
    blocks,
    parameters(input, dtype) {
      checkOutputs(
        merge,
        blocks.map((block) => block.output(input, dtype)),
      );
      return blocks.flatMap((block) => block.parameters(input, dtype));
    },
    forward(x, values, context) {
      const inside = { ...context, logits: null };
      const outputs = blocks.map((block) => block.forward(x, values, inside));
      if (merge === 'concat') return concat(outputs, { axis: 1 });
      return outputs.reduce((total, output): Variable => add(total, output));
    },
  });
}
