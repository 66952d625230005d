import { loadAddon } from '../../lib/backends/addon.ts';
import { describeProgram } from '../../lib/backends/native.ts';
import { compileProgram } from '../../lib/compiler/compile.ts';
import { Tracer } from '../../lib/graph/graph.ts';
import { attributesOf, type Case, makeInputs } from '../cases/case.ts';
import { families } from '../cases/index.ts';
import { operatorNamed } from './oracle.ts';
import type { Description } from './trainingProgram.ts';

/** Elements of all inputs up to which a case is small. */
const small = 4000;

function describeCase(tried: Case, dtype: 'float32' | 'float64'): Description {
  const tracer = new Tracer();
  const inputs = makeInputs(tried, dtype).map((input) =>
    input === null ? null : tracer.input({ shape: input.shape, dtype: input.dtype }),
  );
  const outputs = tracer.record(operatorNamed(tried.operator), inputs, attributesOf(tried, dtype));
  const { addon } = loadAddon();
  const program = compileProgram(tracer.graph(outputs), (call) => addon.scratchBytes(call));
  return structuredClone(describeProgram(program, {})) as Description;
}

/** A convolution and its input gradient by Winograd's products. */
function describeWinograd(dtype: 'float32' | 'float64'): Description {
  const tracer = new Tracer();
  const geometry = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1] } as const;
  const attributes = { ...geometry, groups: 1, flipKernel: false };
  const x = tracer.input({ shape: [2, 17, 5, 4], dtype });
  const weight = tracer.input({ shape: [16, 17, 3, 3], dtype });
  const [y] = tracer.record(operatorNamed('conv2d'), [x, weight, null], attributes);
  const backward = { ...attributes, inputSize: [5, 4] };
  const dx = tracer.record(operatorNamed('conv2dInputGradient'), [y as never, weight], backward);
  const { addon } = loadAddon();
  const passes = { winograd: true };
  const program = compileProgram(tracer.graph(dx), (call) => addon.scratchBytes(call), passes);
  return structuredClone(describeProgram(program, {})) as Description;
}

/** Programs of one operator each: the small cases of every family, in both dtypes; and of Winograd. */
export function describeOperators(): Description[] {
  const ordinary = Object.values(families)
    .flatMap(({ cases }) => cases)
    .filter((tried) => {
      const inputs = makeInputs(tried, 'float32');
      const size = inputs.reduce((sum, input) => sum + (input?.size ?? 0), 0);
      return size > 0 && size <= small;
    })
    .flatMap((tried) => [describeCase(tried, 'float32'), describeCase(tried, 'float64')])
    .filter(({ instructions }) => instructions.length > 0);
  return [...ordinary, describeWinograd('float32'), describeWinograd('float64')];
}
