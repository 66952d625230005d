import * as sn from '../../lib/index.ts';

/** A value as untyped code has it. */
export function untyped<T>(value: unknown): T {
  return value as T;
}

/** The error of a call. */
export function errorOf(call: () => unknown): sn.StridenetError {
  try {
    call();
  } catch (error) {
    return error as sn.StridenetError;
  }
  throw new Error('the call threw nothing');
}

/** A traced value float32 (2, 3) called x. */
export function traced(): sn.GraphVariable {
  const spec = { shape: [2, 3], dtype: 'float32', name: 'x' } as const;
  return sn.trace((x: sn.Variable) => x, spec).outputs[0] as sn.GraphVariable;
}

/** (2) → (3), by layers 'features' and 'head'. */
export function small(): sn.Network {
  const layers = [
    sn.layers.dense({ units: 4, name: 'features' }),
    sn.layers.dense({ units: 3, name: 'head' }),
  ];
  return sn.sequential({ inputShape: [2], layers });
}
