import type { Attributes, AttributeValue, Spec } from '../../ops/operator.ts';
import { formatShape } from '../../shape.ts';
import type { DType, Tensor } from '../../tensor.ts';
import type { GraphVariable, Node } from '../graph.ts';

/** What each attribute is when a drawing need not say it: nothing out of the ordinary. */
const ordinary: Readonly<Record<string, (value: AttributeValue) => boolean>> = {
  stride: (value) => all(value, 1),
  dilation: (value) => all(value, 1),
  padding: (value) => all(value, 0),
  groups: (value) => value === 1,
  flipKernel: (value) => value === false,
  activation: (value) => value === 'none',
  ties: (value) => value === 'first',
  reduction: (value) => value === 'mean',
  labelSmoothing: (value) => value === 0,
  weightDecay: (value) => value === 0,
  countIncludePad: (value) => value === true,
  ceilMode: (value) => value === false,
  transposeA: (value) => value === false,
  transposeB: (value) => value === false,
};

/** Attributes that shapes show already, or that tell a reader of the drawing nothing. */
const hidden = new Set([
  ...['inputSize', 'outputSize', 'shape', 'keepFirst', 'size', 'epsilon', 'momentum'],
  ...['seed', 'stream', 'beta1', 'beta2', 'dampening', 'nesterov', 'decoupled', 'training'],
]);

function all(value: AttributeValue, expected: number): boolean {
  return Array.isArray(value) && value.every((each) => each === expected);
}

/** A number in at most `digits` significant digits: 0.1235, 1.2e-9, ∞. */
export function formatNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  if (Number.isInteger(value) && Math.abs(value) < 1e6)
    return Object.is(value, -0) ? '-0' : String(value);
  return Number(value.toPrecision(digits)).toString();
}

/** [2, 2] → 2, [3, 5] → 3×5, [1, 1, 0, 0] → [1, 1, 0, 0]; long lists are cut. */
function formatValue(name: string, value: AttributeValue): string {
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'string' || typeof value === 'boolean') return String(value);
  const sizes = name !== 'axes' && value.length > 1;
  if (sizes && value.every((each) => each === value[0])) return formatNumber(value[0] as number);
  if (sizes && value.length === 2) return value.map((each) => formatNumber(each)).join('×');
  const shown = value.slice(0, 6).map((each) => formatNumber(each));
  if (shown.length === 1) return shown[0] as string;
  return `[${[...shown, ...(value.length > 6 ? ['…'] : [])].join(', ')}]`;
}

/** The filter size of a call whose operands say it. */
function kernelSize({ operator, inputs, attributes }: Node): Attributes {
  const weight = inputs[operator.inputs.indexOf('weight')];
  if (weight?.shape.length !== 4 || 'kernelSize' in attributes) return {};
  return { kernelSize: weight.shape.slice(2) };
}

/** 'kernelSize 2', 'stride 2×1', …: the attributes that are out of the ordinary. */
export function formatAttributes(node: Node): string[] {
  return Object.entries({ ...kernelSize(node), ...node.attributes })
    .filter(([name, value]) => !hidden.has(name) && !ordinary[name]?.(value))
    .map(([name, value]) => (value === true ? name : `${name} ${formatValue(name, value)}`));
}

/** '(2, 3)', with the dtype behind it where it is not `usual`. */
export function formatSpec({ shape, dtype }: Spec, usual: DType | null): string {
  return dtype === usual ? formatShape(shape) : `${formatShape(shape)} ${dtype}`;
}

/** A tensor in one short text: its elements when they are few, else its Euclidean norm. */
export function formatTensor(name: string, { data, size }: Tensor): string {
  if (size === 1) return `${name} = ${formatNumber(data[0] as number)}`;
  if (size <= 3) return `${name} = [${Array.from(data, (each) => formatNumber(each)).join(', ')}]`;
  let sum = 0;
  for (const value of data) sum += value * value;
  return `‖${name}‖ = ${formatNumber(Math.sqrt(sum))}`;
}

/** Operators whose two operands may change places. */
const symmetric = new Set([
  ...['add', 'mul', 'maximum', 'minimum', 'equal', 'notEqual'],
  ...['squaredError', 'absoluteError'],
]);

/**
 * What the edge to operand `i` is called: the argument's name where a reader could take one operand
 * for another, else ''.
 */
export function operandName({ operator, inputs }: Node, i: number): string {
  const present = inputs.filter((input) => input !== null).length;
  if (present < 2 || symmetric.has(operator.name)) return '';
  const last = operator.inputs.length - 1;
  const name = operator.inputs[Math.min(i, last)] ?? '';
  if (name.endsWith('…')) return String(i - last);
  // The first one goes without saying, but not where it is just one of two.
  return i === 0 && name !== 'a' ? '' : name.replace('?', '');
}

/** What an operator calls one of its outputs. */
export function outputName({ operator, outputs }: Node, output: GraphVariable): string {
  return (operator.outputs[outputs.indexOf(output)] ?? '').replace('?', '');
}
