import { evaluate } from './backends/evaluate.ts';
import { argumentError } from './errors.ts';
import { GraphVariable, tracerOf } from './graph/graph.ts';
import type { Attributes, Operand, Operator } from './ops/operator.ts';
import { setExecutor } from './ops/operator.ts';
import { checkMemory, Tensor } from './tensor.ts';

function checkOperand(operator: Operator, operand: unknown, i: number): void {
  if (operand instanceof GraphVariable) return;
  const named = operator.inputs[i] ?? operator.inputs.at(-1) ?? 'operand';
  if (operand === null && named.endsWith('?')) return;
  const name = named.endsWith('…') ? `${named.slice(0, -1)}[${i}]` : named.replace('?', '');
  if (operand instanceof Tensor) {
    checkMemory(operator.name, name, operand);
    return;
  }
  throw argumentError(operator.name, `${name} to be a Tensor (or a traced value)`, operand);
}

function execute(
  operator: Operator,
  inputs: readonly (Operand | null)[],
  attributes: Attributes,
): readonly Operand[] {
  inputs.forEach((input, i) => {
    checkOperand(operator, input, i);
  });
  const tracer = tracerOf(inputs);
  if (tracer !== null) return tracer.record(operator, inputs, attributes);
  return evaluate(operator, inputs as readonly (Tensor | null)[], attributes);
}

setExecutor(execute);

/** The operators: on Tensors they compute at once, on traced values they record. */
export * as ops from './ops/public.ts';
