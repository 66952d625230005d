/**
 * The activations that fused nodes compute at their end, by their gradients: dy where the result is
 * in some range, 0 elsewhere.
 */
export const activationOf: ReadonlyMap<string, string> = new Map([
  ['reluGradient', 'relu'],
  ['relu6Gradient', 'relu6'],
]);

export const activations: readonly string[] = [...activationOf.values()];
export const activationGradients: readonly string[] = [...activationOf.keys()];
