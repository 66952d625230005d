import { loadAddon } from '../../lib/backends/addon.ts';
import { describeProgram } from '../../lib/backends/native.ts';
import { compileProgram } from '../../lib/compiler/compile.ts';
import { ops } from '../../lib/dispatch.ts';
import { Tracer } from '../../lib/graph/graph.ts';
import type { Variable } from '../../lib/ops/operator.ts';
import type { Description } from './trainingProgram.ts';

/**
 * A network whose parameters are states that stay: convolutions by products and of each channel,
 * normalizations that are folded into them, a residual sum, ReLU6, dense layers. The prologue
 * computes and packs their weights.
 */
export function describeInference(): Description {
  const tracer = new Tracer();
  const state = (...shape: number[]) => tracer.input({ shape, dtype: 'float32' }, 'state');
  const norm = (y: Variable, channels: number) =>
    ops.batchNorm(y, state(channels), state(channels), state(channels), state(channels));
  const x = tracer.input({ shape: [4, 3, 6, 5], dtype: 'float32', batched: true });
  const [padding, groups] = [1, 8];
  const first = ops.relu6(norm(ops.conv2d(x, state(8, 3, 3, 3), state(8), { padding }), 8));
  const each = norm(ops.conv2d(first, state(8, 1, 3, 3), null, { padding, groups }), 8);
  const second = ops.relu(ops.add(ops.conv2d(each, state(8, 8, 1, 1)), first));
  const dense = ops.relu(ops.linear(ops.flatten(second), state(9, 8 * 6 * 5), state(9)));
  const graph = tracer.graph([ops.linear(dense, state(3, 9)), second]);
  const { addon } = loadAddon();
  const program = compileProgram(
    graph,
    (call) => addon.scratchBytes(call),
    {},
    (call) => addon.packedElements(call),
  );
  return structuredClone(describeProgram(program, {})) as Description;
}
