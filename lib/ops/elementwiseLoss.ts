import { full } from '../tensor.ts';
import { mul } from './binary.ts';
import { type LossAttributes, reducedSpec, spread } from './loss.ts';
import {
  apply,
  checkFloats,
  checkSameShape,
  need,
  type Operand,
  type Operator,
} from './operator.ts';
import { sum } from './reduction.ts';

/** A loss that compares two values of one shape element by element. */
export interface ElementwiseLoss<A extends LossAttributes> {
  readonly name: string;
  /** What the two are called. */
  readonly operands: readonly [string, string];
  /**
   * It is an even function of their difference: both have the same kind of gradient. Else it is
   * linear in the second with the slope −a.
   */
  readonly even: boolean;
  /** `message` times the second derivative by the first; null where that is 0. */
  curvature(message: Operand, a: Operand, b: Operand, attributes: A): Operand | null;
}

/** What the slope of each element of `a` is multiplied with. */
function factors(dloss: Operand, a: Operand, { reduction }: LossAttributes): Operand {
  return reduction === 'none' ? dloss : spread(dloss, a, reduction === 'mean');
}

/** The gradient rule of the gradient: of slope(a, b)·dloss. */
function secondOrder<A extends LossAttributes>(
  { even, curvature }: ElementwiseLoss<A>,
  gradient: Operator<A>,
): NonNullable<Operator<A>['gradient']> {
  return ({ inputs, gradients, attributes, wanted }) => {
    const [a, b, dloss] = [need(inputs[0]), need(inputs[1]), need(inputs[2])];
    const message = need(gradients[0]);
    const scaled = (): Operand => mul(message, factors(dloss, a, attributes));
    const toFirst = (): Operand | null => curvature(scaled(), a, b, attributes);
    const toSecond = (): Operand | null => {
      const opposite = even ? toFirst() : scaled();
      return opposite === null ? null : mul(opposite, -1);
    };
    const toLoss = (): Operand => {
      const one = spread(full([], 1, dloss.dtype as 'float32'), dloss, false);
      const each: Operand = mul(message, apply<Operand, A>(gradient, [a, b, one], attributes));
      return attributes.reduction === 'none' ? each : sum(each);
    };
    return [
      wanted[0] ? toFirst() : null,
      wanted[1] ? toSecond() : null,
      wanted[2] ? toLoss() : null,
    ];
  };
}

/**
 * The operators of a loss: a, b of one shape → the loss, of their shape for 'none', else (); and
 * a, b, dloss → da, dloss being divided by the number of elements for the mean.
 */
export function elementwiseLoss<A extends LossAttributes>(
  rule: ElementwiseLoss<A>,
): {
  loss: Operator<A>;
  gradient: Operator<A>;
} {
  const {
    name,
    operands: [first, second],
    even,
  } = rule;
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
    gradient: (call) => secondOrder(rule, gradient)(call),
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
      const toSecond = (): Operand =>
        even
          ? apply<Operand, A>(gradient, [b, a, dloss], attributes)
          : mul(mul(a, factors(dloss, a, attributes)), -1);
      return [
        wanted[0] ? apply(gradient, [a, b, dloss], attributes) : null,
        wanted[1] ? toSecond() : null,
      ];
    },
  };
  return { loss, gradient };
}
