export {
  type Compiled,
  type CompiledFunction,
  type CompileOptions,
  compile,
} from './compile.ts';
export { grad, valueAndGrad } from './grad.ts';
export { type JacobianFunction, jacobian } from './jacobian.ts';
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
