import { loadAddon } from '../../lib/backends/addon.ts';
import { describeProgram } from '../../lib/backends/native.ts';
import { compileProgram, type PassOptions } from '../../lib/compiler/compile.ts';
import { ops } from '../../lib/dispatch.ts';
import { gradients } from '../../lib/graph/differentiate.ts';
import { Tracer } from '../../lib/graph/graph.ts';
import { checkFinite } from '../../lib/ops/checkFinite.ts';
import type { AttributeValue } from '../../lib/ops/operator.ts';
import type { DType } from '../../lib/tensor.ts';

/** A buffer as the addon is told of it. */
export interface BufferDescription {
  shape: number[];
  dtype: DType;
  batched?: boolean;
  kind: 'feed' | 'fetch' | 'state' | 'constant' | 'kept' | 'temporary' | 'view';
  offset?: number;
  of?: number;
}

/** An instruction as the addon is told of it. */
export interface InstructionDescription {
  op: string;
  inputs: number[];
  outputs: number[];
  attributes: Record<string, AttributeValue>;
  scratch?: number;
}

/** A Program as the addon is told of it. */
export interface Description {
  batch: number;
  isa?: string;
  threads?: number;
  arenaBytes: number;
  prologue?: number;
  buffers: BufferDescription[];
  instructions: InstructionDescription[];
}

const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, decoupled: false };
const sgd = { momentum: 0.9, dampening: 0, weightDecay: 0.01, nesterov: true };

/** Batch, data rows, classes of the Program below. */
export const sizes = { batch: 5, rows: 11, classes: 3 } as const;

/**
 * One training step of a small network as the library describes it: batch from uint8, convolution,
 * ReLU, max pooling, dense, cross-entropy, check, gradients, SGD for one part and Adam for the
 * other. With `fuse` false convolution, ReLU and pooling are instructions of their own.
 */
export function describeTraining({ fuse = true } = {}): Description {
  const key = fuse ? 'fused' : 'unfused';
  described[key] ??= describeOnce({ fuse });
  return structuredClone(described[key]);
}

const described: { fused?: Description; unfused?: Description } = {};

function describeOnce(passes: PassOptions): Description {
  const { batch, rows, classes } = sizes;
  const tracer = new Tracer();
  const state = (shape: number[], dtype: DType = 'float32') =>
    tracer.input({ shape, dtype }, 'state');
  const weight = state([4, 2, 3, 3]);
  const bias = state([4]);
  const dense = state([classes, 4 * 3 * 3]);
  const velocity = state([4, 2, 3, 3]);
  const [m, v] = [state([classes, 36]), state([classes, 36])];
  const images = state([rows, 2, 8, 8], 'uint8');
  const labels = state([rows], 'uint8');
  const indices = tracer.input({ shape: [batch], dtype: 'int32', batched: true });
  const step = tracer.input({ shape: [], dtype: 'float64' });
  const rate = tracer.input({ shape: [], dtype: 'float64' });
  const x = ops.gatherRows(images, indices, { dtype: 'float32', scale: 1 / 255 });
  const y = ops.gatherRows(labels, indices);
  const features = ops.maxPool2d(ops.relu(ops.conv2d(x, weight, bias)), { kernelSize: 2 });
  const logits = ops.linear(ops.flatten(features), dense);
  const loss = ops.softmaxCrossEntropy(logits, y);
  const correct = ops.countCorrect(logits, y);
  checkFinite(loss);
  const [dWeight, , dDense] = gradients(loss, [weight, bias, dense]);
  if (!dWeight || !dDense) throw new Error('no gradient');
  const [nextWeight, nextVelocity] = ops.sgdUpdate(weight, dWeight as never, velocity, rate, sgd);
  const [nextDense, nextM, nextV] = ops.adamUpdate(dense, dDense as never, m, v, step, rate, adam);
  const updates = [
    [weight, nextWeight],
    [velocity, nextVelocity],
    [dense, nextDense],
    [m, nextM],
    [v, nextV],
  ].map(([target, value]) => ({ state: target, value }));
  const graph = tracer.graph([loss, correct], updates as never);
  const { addon } = loadAddon();
  const program = compileProgram(graph, (call) => addon.scratchBytes(call), passes);
  return describeProgram(program, {}) as Description;
}
