export type { Augmentation } from './augmentations/augmentation.ts';
export * as augmentations from './augmentations/index.ts';
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
  type Checkable,
  type CheckResult,
  type CompareBackendsOptions,
  compareBackends,
  type GradientCheckOptions,
  gradientCheck,
  type WorstEntry,
} from './check/index.ts';
export type { PassOptions } from './compiler/compile.ts';
export { ComputationGraph, type GraphSettings } from './computation/computationGraph.ts';
export type { CostOptions, GraphCost, NodeCost, PassCost } from './computation/cost.ts';
export type { GraphEvaluation } from './computation/evaluate.ts';
export type { EvaluationJson, GraphJson, NamedValueJson } from './computation/json.ts';
export { type InputSpec, trace } from './computation/trace.ts';
export { type CpuInfo, cpuInfo, setThreads } from './cpu.ts';
export * as data from './data/index.ts';
export type { Samples } from './data/samples.ts';
export { ops } from './dispatch.ts';
export { type ErrorCode, StridenetError } from './errors.ts';
export { gradients } from './graph/differentiate.ts';
export type { DrawingOptions, DrawnValues } from './graph/drawing/drawing.ts';
export {
  type Graph,
  type GraphInput,
  type GraphVariable,
  type InputRole,
  type Node,
  type StateUpdate,
  scoped,
  type VariableJson,
} from './graph/graph.ts';
export * as initializers from './initializers/index.ts';
export * as layers from './layers/index.ts';
export type { Layer } from './layers/layer.ts';
export * as losses from './losses/index.ts';
export type { Loss } from './losses/loss.ts';
export { type MemoryUse, memory, releaseMemory } from './memory.ts';
export * as metrics from './metrics/index.ts';
export type { Accumulator, Metric, MetricValue } from './metrics/metric.ts';
export * as models from './models/index.ts';
export {
  type DefinedOperator,
  defineOperator,
  type OperatorDefinition,
  type OwnGradientCall,
  type OwnSpec,
} from './ops/defineOperator.ts';
export type {
  Attributes,
  AttributeValue,
  Operand,
  Result,
  ResultLike,
  ResultOf,
  Spec,
  Variable,
} from './ops/operator.ts';
export * as optimizers from './optimizers/index.ts';
export type { Optimizer } from './optimizers/optimizer.ts';
export { Generator } from './random.ts';
export {
  type RandomNormalOptions,
  type RandomUniformOptions,
  randomNormal,
  randomUniform,
} from './randomTensor.ts';
export * as schedules from './schedules/index.ts';
export type { Moment, Schedule, ScheduleState } from './schedules/schedule.ts';
export type { Shape } from './shape.ts';
export * as shape from './sizes.ts';
export {
  type DType,
  type FloatDType,
  full,
  type NestedNumbers,
  ones,
  Tensor,
  type TensorJson,
  type TypedArray,
  tensor,
  zeros,
} from './tensor.ts';
export type { ApplyOptions } from './train/apply.ts';
export type { AveragingOptions } from './train/averaging.ts';
export {
  type LatestCheckpoint,
  latestCheckpoint,
  type SkippedCheckpoint,
} from './train/checkpoint/folder.ts';
export type { CheckpointOptions } from './train/checkpoint/options.ts';
export type { CustomFactory } from './train/customLayers.ts';
export type { EarlyStoppingOptions } from './train/earlyStopping.ts';
export type {
  Callbacks,
  CheckpointEvent,
  EarlyStoppingRecord,
  EpochEvent,
  EpochRecord,
  Evaluation,
  History,
  StartEvent,
  StepEvent,
  TrainEvent,
} from './train/events.ts';
export { type LoadOptions, load } from './train/files.ts';
export * as history from './train/history.ts';
export { type Network, sequential } from './train/network.ts';
export type { NetworkGraphOptions } from './train/networkGraph.ts';
export type {
  EvaluateSettings,
  PredictOptions,
  SequentialOptions,
  SnapshotOptions,
} from './train/networkOptions.ts';
export type { FitOptions, TrainOptions } from './train/options.ts';
export type { BatchingOptions } from './train/serving/options.ts';
export type { Queued } from './train/serving/queue.ts';
export type { LayerSummary } from './train/summary.ts';
export type {
  LoadedWeights,
  LoadWeightsOptions,
  MismatchedWeight,
  PlaceOptions,
  SaveWeightsOptions,
  WeightFormat,
  WeightsError,
} from './train/weights/options.ts';
export {
  type Compiled,
  type CompiledFunction,
  type CompiledGradients,
  type CompiledValueAndGradients,
  type CompileOptions,
  compile,
  type GradientFunction,
  grad,
  type JacobianFunction,
  jacobian,
  type LeafOf,
  type MappedTree,
  mapTensors,
  type RunOptions,
  type Scalar,
  type ScalarFunction,
  type TensorFunction,
  type ValueAndGradients,
  type ValueAndGradientsFunction,
  valueAndGrad,
} from './transforms/index.ts';
export type { GradientsOf, Static, TensorsOf, Tree } from './tree.ts';
