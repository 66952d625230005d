import type { PrepareOptions } from '../backends/backend.ts';
import { backendOf } from '../backends/index.ts';
import { checkRunOptions } from '../backends/options.ts';
import { argumentError } from '../errors.ts';
import { gradients } from '../graph/differentiate.ts';
import { Tracer } from '../graph/graph.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import { Generator } from '../random.ts';
import { elementCount } from '../shape.ts';
import { allocate, Tensor, type TypedArray } from '../tensor.ts';
import type { Outputs, TensorArguments } from '../transforms/index.ts';
import { type Checkable, outputsOf, type SubjectOptions, subjectOf } from './subject.ts';
import { type CheckResult, Worst } from './worst.ts';

/** Settings of compareBackends. */
export interface CompareBackendsOptions extends PrepareOptions, SubjectOptions {}

/**
 * Runs a function and its gradients (of Σ⟨output, r⟩, r random) on the native backend and on the
 * reference and compares all that comes out.
 *
 * @param subject a function of operators; a layer, whose parameters are drawn from the seed; a
 *   network with its parameters; or a loss
 * @param inputs of the function; the layer's or network's x (N,…); predictions and labels
 * @returns the largest |native − reference| / max(1, |native|, |reference|) and its entry
 * @throws ERR_ARGUMENT when no value depends on the inputs: there is nothing to compare
 */
export function compareBackends<A extends readonly Variable[]>(
  subject: (...inputs: A) => Outputs,
  inputs: readonly Tensor[],
  options?: CompareBackendsOptions,
): CheckResult;
export function compareBackends<A extends readonly unknown[]>(
  subject: (...inputs: A) => Outputs,
  inputs: Readonly<TensorArguments<A>>,
  options?: CompareBackendsOptions,
): CheckResult;
export function compareBackends(
  subject: Checkable,
  inputs: readonly Tensor[],
  options?: CompareBackendsOptions,
): CheckResult;
export function compareBackends(
  subject: Checkable | ((...inputs: never[]) => unknown),
  inputs: readonly unknown[],
  options: CompareBackendsOptions = {},
): CheckResult {
  const known = ['threads', 'isa', 'passes'];
  const {
    fn,
    inputs: values,
    names,
  } = subjectOf('compareBackends', subject, inputs, options, known);
  checkRunOptions('compareBackends', options);
  const { seed = 1, names: _, training: __, ...rest } = options;
  const random = new Generator(seed, 'compareBackends');
  const tracer = new Tracer();
  const variables = values.map((input) => tracer.input(input));
  const outputs = outputsOf('compareBackends', fn(...variables));
  if (outputs.length === 0) {
    const expected = 'a function of its inputs, whose value depends on them,';
    throw argumentError('compareBackends', expected, inputs);
  }
  const fetched: { name: string; variable: Operand }[] = outputs.map((variable, i) => ({
    name: `output ${i}`,
    variable,
  }));
  outputs.forEach((output, o) => {
    if (output.dtype !== 'float32' && output.dtype !== 'float64') return;
    const data = allocate(output.dtype, elementCount(output.shape));
    for (let i = 0; i < data.length; i++) data[i] = 2 * random.uniform() - 1;
    const seedTensor = new Tensor(data, output.shape, output.dtype);
    gradients(output, variables, seedTensor).forEach((variable, i) => {
      const name = `gradient of output ${o} to ${names[i]}`;
      if (variable !== null) fetched.push({ name, variable });
    });
  });
  const graph = tracer.graph(fetched.map(({ variable }) => variable));
  const feeds = values.map(({ data }) => data);
  const [native, reference] = (['native', 'reference'] as const).map((backend) => {
    const program = backendOf(backend).prepare(graph, rest);
    try {
      return program.runSync({ steps: 1, feeds }).fetches;
    } finally {
      program.dispose();
    }
  });
  const worst = new Worst({ nanIsEqual: true });
  fetched.forEach(({ name, variable }, f) => {
    const [a, b] = [native?.[f] as TypedArray, reference?.[f] as TypedArray];
    for (let i = 0; i < a.length; i++) {
      worst.add(name, variable.shape, i, a[i] as number, b[i] as number);
    }
  });
  return worst.result;
}
