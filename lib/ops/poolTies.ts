import type { Padding, Pair } from '../shape.ts';
import { type FloatDType, full } from '../tensor.ts';
import { div } from './binary.ts';
import { equal } from './comparison.ts';
import type { Operand } from './operator.ts';
import { pad } from './pad.ts';
import { sum } from './reduction.ts';
import { reshape } from './reshape.ts';
import { unfold } from './unfold.ts';
import { where } from './where.ts';

/** Windows of max pooling, and who gets their gradient. */
interface TiedWindows {
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
  readonly dilation: Pair;
  readonly ties: string;
}

/** The cells of each window: x (N,C,H,W) → (N,C,R·S,P·Q), `outside` where it leaves x. */
function windowsOf(x: Operand, y: Operand, outside: number, geometry: TiedWindows): Operand {
  const { kernelSize, stride, padding, dilation } = geometry;
  const [n = 0, c = 0, ...size] = x.shape;
  const [, , ...count] = y.shape;
  const margins = ([0, 1] as const).map((axis): Pair => {
    const before = padding[2 * axis] as number;
    const reach = ((count[axis] as number) - 1) * stride[axis];
    const end = reach + dilation[axis] * (kernelSize[axis] - 1) + 1;
    return [before, Math.max(0, end - before - (size[axis] as number))];
  });
  const padded = pad(x, [[0, 0], [0, 0], ...margins], { value: outside });
  const columns = unfold(padded, { kernelSize, stride, dilation });
  return reshape(columns, [n, c, kernelSize[0] * kernelSize[1], columns.shape[2] as number]);
}

/**
 * The adjoint of maxPool2dTieGradient: for each window of x with maximum y the sum of `message` over
 * the cells that equal it, or with 'split' their mean. Windows of −∞ alone count their padding.
 *
 * @param message (N,C,H,W), as x
 * @returns (N,C,P,Q), as y
 */
export function sumOfTies(
  message: Operand,
  x: Operand,
  y: Operand,
  attributes: TiedWindows,
): Operand {
  const [n = 0, c = 0] = y.shape;
  const cells = windowsOf(x, y, Number.NEGATIVE_INFINITY, attributes);
  const chosen = equal(cells, reshape(y, [n, c, 1, cells.shape[3] as number]));
  const over = { axis: 2 };
  const total = sum(where(chosen, windowsOf(message, y, 0, attributes), 0), over);
  if (attributes.ties === 'all') return reshape(total, y.shape);
  const one: Operand = full([], 1, x.dtype as FloatDType);
  return reshape(div(total, sum(where(chosen, one, 0), over)), y.shape);
}
