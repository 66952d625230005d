import { type AddonProgram, loadAddon } from '../lib/backends/addon.ts';
import { nativeForm } from '../lib/compiler/nativeForm.ts';
import * as sn from '../lib/index.ts';
import { operators } from '../lib/ops/index.ts';
import { type Attributes, need } from '../lib/ops/operator.ts';
import { Generator } from '../lib/random.ts';

/** An operator and the public shapes of its operands; optional ones at the end may be left out. */
export interface OperatorCall {
  readonly operator: string;
  readonly inputs: readonly (readonly number[])[];
  readonly attributes: Attributes;
  readonly dtype?: 'float32' | 'float64';
}

/** Uniform within ±1. */
export function randomTensor(
  shape: readonly number[],
  seed: number,
  dtype: 'float32' | 'float64' = 'float32',
): sn.Tensor {
  const random = new Generator(seed);
  const tensor = sn.zeros(shape, dtype);
  for (let i = 0; i < tensor.size; i++) tensor.data[i] = 2 * random.uniform() - 1;
  return tensor;
}

/** The shape in which operand `i` of a native operator is stored: channels last where it says so. */
function stored(shape: readonly number[], lastChannels: readonly number[], i: number): number[] {
  const [n = 0, c = 0, h = 0, w = 0] = shape;
  return lastChannels.includes(i) && shape.length === 4 ? [n, h, w, c] : [...shape];
}

/**
 * A Program of the operator alone, as it runs inside of a network: operands in its own layout, no
 * copies to or from JavaScript.
 */
export function operatorProgram(call: OperatorCall, threads: number): AddonProgram {
  const { operator: name, inputs, attributes, dtype = 'float32' } = call;
  const { addon } = loadAddon();
  const operator = need(operators.get(name));
  const specsOfInputs = inputs.map((shape) => ({ shape, dtype }));
  const absent = operator.inputs.slice(inputs.length);
  const operands = [...specsOfInputs, ...absent.map(() => null)];
  const result = need(operator.infer(operands, attributes)[0]);
  const layout =
    typeof operator.layout === 'object' ? operator.layout : { inputs: [], outputs: [] };
  const spec = (shape: readonly number[]) => ({ dtype, shape, batched: false });
  const specs = inputs.map((shape, i) => spec(stored(shape, layout.inputs, i)));
  const output = spec(stored(result.shape, layout.outputs, 0));
  const buffers = [...specs, output];
  const instruction = nativeForm(operator, {
    inputs: [...specs.keys(), ...absent.map(() => -1)],
    outputs: [specs.length],
    attributes,
  });
  const specOf = (id: number) => buffers[id] ?? null;
  const program = new addon.Program({
    batch: 0,
    threads,
    arenaBytes: addon.scratchBytes({
      op: name,
      inputs: instruction.inputs.map(specOf),
      outputs: instruction.outputs.map(specOf),
      attributes: instruction.attributes,
    }),
    buffers: buffers.map((each) => ({ ...each, kind: 'state' })),
    instructions: [{ op: name, ...instruction, scratch: 0 }],
  });
  specs.forEach(({ shape }, i) => {
    program.write(i, randomTensor(shape, i + 1, dtype).data);
  });
  return program;
}
