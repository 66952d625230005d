export type {
  Backend,
  BackendName,
  Executable,
  PrepareOptions,
  RunRequest,
  RunResult,
} from './backends/backend.ts';
export { setDefaultBackend } from './backends/index.ts';
export {
  type CheckResult,
  compareBackends,
  type GradientCheckOptions,
  gradientCheck,
  type WorstEntry,
} from './check.ts';
export { type CpuInfo, cpuInfo, setThreads } from './cpu.ts';
export { ops } from './dispatch.ts';
export { type ErrorCode, StridenetError } from './errors.ts';
export { gradients } from './graph/differentiate.ts';
export { type Graph, scoped, trace } from './graph/graph.ts';
export type { Operand, Spec, Variable } from './ops/operator.ts';
export { Generator } from './random.ts';
export * as shape from './shape.ts';
export { type DType, full, Tensor, tensor, type TypedArray, zeros } from './tensor.ts';
export {
  type CompiledFunction,
  type CompileOptions,
  compile,
  grad,
  type ScalarFunction,
  type TensorFunction,
  valueAndGrad,
} from './transforms.ts';
