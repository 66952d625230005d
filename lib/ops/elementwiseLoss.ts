import { type LossAttributes, reducedSpec } from './loss.ts';
import { apply, checkFloats, checkSameShape, need, type Operator } from './operator.ts';

/** A loss that compares two values of one shape element by element. */
export interface ElementwiseLoss {
  readonly name: string;
  /** What the two are called. */
  readonly operands: readonly [string, string];
  /** It is an even function of their difference, so that both have the same kind of gradient. */
  readonly even: boolean;
}

/**
 * The operators of a loss: a, b of one shape → the loss, of their shape for 'none', else (); and
 * a, b, dloss → da, dloss being divided by the number of elements for the mean.
 */
export function elementwiseLoss<A extends LossAttributes>({
  name,
  operands: [first, second],
  even,
}: ElementwiseLoss): { loss: Operator<A>; gradient: Operator<A> } {
  const gradientName = `${name}Gradient`;
  const gradient: Operator<A> = {
    name: gradientName,
    inputs: [first, second, 'dloss'],
    outputs: [`d${first}`],
    layout: 'any',
    inPlace: [[0, 0]],
    infer([aSpec, bSpec, dlossSpec], attributes) {
      const [a, b, dloss] = [need(aSpec), need(bSpec), need(dlossSpec)];
      checkFloats(gradientName, { [first]: a, [second]: b, dloss });
      checkSameShape(gradientName, [first, second], a, b);
      checkSameShape(gradientName, ['dloss', 'the loss'], dloss, reducedSpec(a, attributes));
      return [a];
    },
  };
  const loss: Operator<A> = {
    name,
    inputs: [first, second],
    outputs: ['loss'],
    layout: 'any',
    infer([aSpec, bSpec], attributes) {
      const [a, b] = [need(aSpec), need(bSpec)];
      checkFloats(name, { [first]: a, [second]: b });
      checkSameShape(name, [first, second], a, b);
      return [reducedSpec(a, attributes)];
    },
    gradient({ inputs, gradients, attributes, wanted }) {
      const [a, b, dloss] = [need(inputs[0]), need(inputs[1]), need(gradients[0])];
      return [
        wanted[0] ? apply(gradient, [a, b, dloss], attributes) : null,
        wanted[1] && even ? apply(gradient, [b, a, dloss], attributes) : null,
      ];
    },
  };
  return { loss, gradient };
}
