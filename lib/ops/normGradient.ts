import { add, mul, sub } from './binary.ts';
import { spreadTo, sumTo } from './broadcast.ts';
import { apply, type GradientCall, need, type Operand } from './operator.ts';
import { mean, type SumGradientAttributes, sumGradientOperator } from './reduction.ts';
import { withShape } from './reshape.ts';

/** What the gradient of a normalization was given; all but dy and x broadcast to x. */
export interface NormGradientCall {
  readonly dy: Operand;
  readonly x: Operand;
  readonly center: Operand;
  readonly inverseDeviation: Operand;
  readonly weight: Operand | null;
}

/** Messages to what it gave, those to the parameters' gradients in the parameters' shape. */
export interface NormMessages {
  readonly dx: Operand | null;
  readonly dweight: Operand | null;
  readonly dbias: Operand | null;
}

type Terms = readonly (Operand | null)[];

function total(terms: Terms): Operand | null {
  const present = terms.filter((term) => term !== null);
  return present.length === 0 ? null : present.reduce((sum, term) => add(sum, term));
}

function product(first: Operand | null, ...rest: readonly Operand[]): Operand | null {
  return first && rest.reduce((value, factor) => mul(value, factor), first);
}

function normalized({ x, center, inverseDeviation }: NormGradientCall): Operand {
  return mul(sub(x, center), inverseDeviation);
}

function toDy(
  { x, weight, inverseDeviation }: NormGradientCall,
  normal: Operand,
  { dweight, dbias }: NormMessages,
  projected: Operand | null,
): Operand | null {
  const own = product(projected, inverseDeviation, ...(weight ? [weight] : []));
  return total([own, product(dweight, normal), dbias && spreadTo(dbias, x)]);
}

/**
 * Messages to dy, x and weight when mean and deviation are those of x itself along `axes`. With
 * x̂ = (x − mean)·s, u = weight·dy and the projection P(v) = v − v̄ − x̂·(mean of v·x̂), which is its
 * own adjoint, dx = s·P(u), dweight = Σ dy·x̂ and dbias = Σ dy. Let a, b, c be the messages to them:
 *
 *     to dy      weight·s·P(a) + b·x̂ + c
 *     to weight  Σ dy·s·P(a)
 *     to x̂       g = b·dy − s·(a·(mean of u·x̂) + u·(mean of a·x̂))
 *     to x       s·P(g) − x̂·s²·(mean of a·P(u)), by dx̂/dx = s·P and ds/dx = −s²·x̂/D
 */
export function ownStatisticsMessages(
  call: NormGradientCall,
  messages: NormMessages,
  axes: readonly number[],
): { dy: Operand | null; x: Operand | null; weight: Operand | null } {
  const { dy, weight, inverseDeviation: s } = call;
  const { dx: a, dweight: b } = messages;
  const normal = normalized(call);
  const average = (v: Operand): Operand => mean(v, { axis: axes, keepDims: true });
  const along = (v: Operand): Operand => mul(normal, average(mul(v, normal)));
  const project = (v: Operand): Operand => sub(sub(v, average(v)), along(v));
  const projected = a && project(a);
  const u = weight ? mul(dy, weight) : dy;
  const crossed = a && add(mul(a, average(mul(u, normal))), mul(u, average(mul(a, normal))));
  const g = total([product(b, dy), crossed && mul(mul(crossed, s), -1)]);
  const shrinking = a && mul(mul(normal, mul(mul(s, s), average(mul(a, project(u))))), -1);
  const toWeight = weight && product(projected, s, dy);
  return {
    dy: toDy(call, normal, messages, projected),
    x: total([g && mul(s, project(g)), shrinking]),
    weight: toWeight && sumTo(toWeight, weight as Operand),
  };
}

/**
 * The whole message to x of a normalization with outputs y, mean m and inverse deviation s along
 * `axes`: that of y, and those of the statistics, over D elements dm/dx = 1/D and ds/dx = −s²·x̂/D.
 */
export function withStatisticsMessages(
  dx: Operand | null,
  x: Operand,
  { outputs, gradients }: Pick<GradientCall, 'outputs' | 'gradients'>,
  axes: readonly number[],
): Operand | null {
  const [, toCenter = null, toDeviation = null] = gradients;
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const wide = (statistic: Operand): Operand => withShape(statistic, shape);
  const average = (message: Operand): Operand =>
    apply<Operand, SumGradientAttributes>(sumGradientOperator, [message, x], { axes, mean: true });
  const fromDeviation = (message: Operand): Operand => {
    const [center, s] = [wide(need(outputs[1])), wide(need(outputs[2]))];
    const scale = mul(mul(mul(s, s), s), -1);
    return mul(sub(x, center), average(mul(wide(message), scale)));
  };
  return total([
    dx,
    toCenter && average(wide(toCenter)),
    toDeviation && fromDeviation(toDeviation),
  ]);
}

/** Messages to all that it was given when mean and deviation are given too: dx = weight·s·dy. */
export function givenStatisticsMessages(
  call: NormGradientCall,
  messages: NormMessages,
): { [Name in keyof NormGradientCall]: Operand | null } {
  const { dy, x, center, weight, inverseDeviation: s } = call;
  const { dx: a, dweight: b } = messages;
  const toWeight = weight && product(a, s, dy);
  const toX = product(b, dy, s);
  const toS = total([
    weight ? product(a, dy, weight) : product(a, dy),
    product(b, dy, sub(x, center)),
  ]);
  return {
    dy: toDy(call, normalized(call), messages, a),
    x: toX,
    center: toX && sumTo(mul(toX, -1), center),
    inverseDeviation: toS && sumTo(toS, s),
    weight: toWeight && sumTo(toWeight, weight as Operand),
  };
}
