export {
  type Compiled,
  type CompiledFunction,
  type CompiledGradients,
  type CompiledValueAndGradients,
  type CompileOptions,
  compile,
} from './compile.ts';
export { grad, valueAndGrad } from './grad.ts';
export { type JacobianFunction, jacobian } from './jacobian.ts';
export { type LeafOf, type MappedTree, mapTensors } from './mapTensors.ts';
export type {
  GradientFunction,
  OperandArguments,
  Outputs,
  RunOptions,
  Scalar,
  ScalarFunction,
  TensorArguments,
  TensorFunction,
  ValueAndGradients,
  ValueAndGradientsFunction,
} from './types.ts';
