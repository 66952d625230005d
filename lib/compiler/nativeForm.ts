import type { Attributes, Operator } from '../ops/operator.ts';

/** What a native operator takes besides the graph's. */
interface NativeForm {
  /** Attributes that a pass may set, as they are otherwise. */
  readonly attributes: Attributes;
  /** Operands, those that a pass may add included; absent: the graph's. */
  readonly inputs?: number;
  readonly outputs?: number;
}

const activation = { activation: 'none' };
const channelsLast = { channelsLast: 0 };

const forms: Readonly<Record<string, NativeForm>> = {
  conv2d: { attributes: activation },
  linear: { attributes: { ...activation, ...channelsLast } },
  linearInputGradient: { attributes: channelsLast },
  linearWeightGradient: { attributes: channelsLast },
  batchNorm: { attributes: activation, inputs: 6 },
  batchNormTraining: { attributes: activation, inputs: 6, outputs: 6 },
  batchNormGradient: { attributes: activation, inputs: 9, outputs: 4 },
};

function padded(ids: readonly number[], length: number): readonly number[] {
  return [...ids, ...Array(Math.max(0, length - ids.length)).fill(-1)];
}

/**
 * A call as the native operator takes it, whose outputs may end before the operator's; −1 stands for
 * an operand that is absent.
 */
export function nativeForm(
  { name, outputs }: Operator,
  call: {
    readonly inputs: readonly number[];
    readonly outputs: readonly number[];
    readonly attributes: Attributes;
  },
): typeof call {
  const form = forms[name];
  return {
    inputs: padded(call.inputs, form?.inputs ?? 0),
    outputs: padded(call.outputs, Math.max(form?.outputs ?? 0, outputs.length)),
    attributes: { ...form?.attributes, ...call.attributes },
  };
}
