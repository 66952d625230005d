import { runNodes } from '../../lib/backends/reference.ts';
import { StridenetError } from '../../lib/errors.ts';
import { type GraphVariable, Tracer } from '../../lib/graph/graph.ts';
import type { Operand } from '../../lib/ops/operator.ts';
import { formatShape } from '../../lib/shape.ts';
import { type FloatDType, Tensor, zeros } from '../../lib/tensor.ts';
import { Random } from './random.ts';
import {
  type Drawn,
  type Item,
  isFloat,
  type Leaf,
  Pool,
  type Ref,
  type Step,
} from './randomGraphs/pool.ts';
import { type Rule, rules } from './randomGraphs/rules.ts';

/** A graph of operators as data, ending in a value of one element. */
export interface RandomGraph {
  readonly seed: number;
  /** The batch that it was drawn with; 0: nothing is batched. */
  readonly batch: number;
  readonly items: readonly Item[];
  readonly output: Ref;
}

/** How far operands are moved when a step is tried for kinks: none is nearer than half of that. */
const margin = 2 ** -10;
const largest = 4;
const mostElements = 800;

/** Numbers of a leaf, which float32 holds; those of a smaller batch are the first of a larger one's. */
export function leafTensor(leaf: Leaf, dtype: FloatDType, batch: number): Tensor {
  const shape = leaf.batched ? [batch, ...leaf.shape.slice(1)] : leaf.shape;
  const made = zeros(shape, leaf.dtype === 'float' ? dtype : leaf.dtype);
  const random = new Random(leaf.seed);
  const floating = isFloat(made.dtype);
  for (let i = 0; i < made.size; i++) {
    made.data[i] = floating
      ? Math.fround(random.uniform(leaf.low, leaf.high))
      : random.integer(leaf.low, leaf.high);
  }
  return made;
}

/** The values of all items, for leaves as `leafOf` makes them. */
export function play(graph: RandomGraph, leafOf: (leaf: Leaf) => Operand): Operand[][] {
  const values: Operand[][] = [];
  for (const item of graph.items) {
    values.push(item.kind === 'step' ? callStep(item, values) : [leafOf(item)]);
  }
  return values;
}

function callStep({ rule, operands, settings }: Step, values: readonly Operand[][]): Operand[] {
  const found = operands.map(([item, output]) => values[item]?.[output] as Operand);
  const result = rules[rule]?.call(found, settings) as Operand | readonly Operand[];
  return [result].flat() as Operand[];
}

/** A graph with its inputs as variables. */
export interface Traced {
  readonly tracer: Tracer;
  readonly inputs: readonly GraphVariable[];
  readonly feeds: readonly Tensor[];
  readonly values: readonly Operand[][];
  readonly loss: GraphVariable;
}

/** Records a graph; constants are Tensors met on the way. */
export function traced(graph: RandomGraph, dtype: FloatDType, batch = graph.batch): Traced {
  const tracer = new Tracer();
  const [inputs, feeds]: [GraphVariable[], Tensor[]] = [[], []];
  const values = play(graph, (leaf) => {
    const made = leafTensor(leaf, dtype, batch);
    if (leaf.kind === 'constant') return made;
    feeds.push(made);
    const variable = tracer.input({ shape: made.shape, dtype: made.dtype, batched: leaf.batched });
    inputs.push(variable);
    return variable;
  });
  const [item, output] = graph.output;
  return { tracer, inputs, feeds, values, loss: values[item]?.[output] as GraphVariable };
}

/** A step alone, as a function of its operands' values. */
function compute(step: Step, known: readonly Drawn[][]) {
  const tracer = new Tracer();
  const variables = new Map<Drawn, GraphVariable>();
  const values = known.map((outputs) => [...outputs]) as unknown as Operand[][];
  for (const [item, output] of step.operands) {
    const drawn = known[item]?.[output] as Drawn;
    const variable = variables.get(drawn) ?? tracer.input(drawn.spec);
    variables.set(drawn, variable);
    (values[item] as Operand[])[output] = variable;
  }
  const graph = tracer.graph(callStep(step, values));
  const run = (tensorOf: (drawn: Drawn) => Tensor): Tensor[] => {
    const all = new Map<GraphVariable, Tensor>(graph.constants);
    for (const [drawn, variable] of variables) all.set(variable, tensorOf(drawn));
    runNodes(graph.nodes, all);
    return graph.outputs.map((output) => all.get(output) as Tensor);
  };
  return { specs: graph.outputs, run };
}

function moved(tensor: Tensor, direction: readonly number[], distance: number): Tensor {
  const data = tensor.data.map((value, i) => value + (direction[i] as number) * distance);
  return new Tensor(data, tensor.shape, tensor.dtype);
}

/**
 * Whether outputs are smooth around their operands. Along a line, second differences of steps m and
 * m/2 are 4 : 1 up to m⁴ where a function is smooth; not where a kink, a jump or a pole is nearer
 * than m/2. The slope must be below 20.
 */
function isSmooth(
  run: (tensorOf: (drawn: Drawn) => Tensor) => Tensor[],
  outputs: readonly Tensor[],
  random: Random,
): boolean {
  const directions = new Map<Drawn, number[]>();
  const at = (distance: number): Tensor[] =>
    run((drawn) => {
      if (!isFloat(drawn.spec.dtype)) return drawn.tensor;
      // Of different lengths, so that equal elements do not move together.
      const draw = (): number => random.pick([-1, 1]) * random.uniform(0.5, 1);
      const own = directions.get(drawn) ?? Array.from(drawn.tensor.data, draw);
      directions.set(drawn, own);
      return moved(drawn.tensor, own, distance);
    });
  const [far, farBack, near, nearBack] = [margin, -margin, margin / 2, -margin / 2].map(at);
  return outputs.every((output, o) =>
    output.data.every((y, i) => {
      const [a, b, c, d] = [far, farBack, near, nearBack].map(
        (moved) => moved?.[o]?.data[i] as number,
      ) as [number, number, number, number];
      if (!isFloat(output.dtype)) return a === y && b === y && c === y && d === y;
      const difference = a + b - 2 * y - 4 * (c + d - 2 * y);
      return Math.abs(difference) <= 1e-7 && Math.abs(a - b) <= 40 * margin;
    }),
  );
}

/** The values of a step, or null when it cannot be there: it is refused, not smooth, too large. */
function tryStep(step: Step, known: readonly Drawn[][], random: Random): Drawn[] | null {
  try {
    const { specs, run } = compute(step, known);
    const outputs = run(({ tensor }) => tensor);
    if (outputs.some(({ size }) => size === 0 || size > mostElements)) return null;
    if (!outputs.every(({ data }) => data.every((y) => Math.abs(y) <= 64))) return null;
    if (!isSmooth(run, outputs, random) || !isSmooth(run, outputs, random)) return null;
    return outputs.map((tensor, i) => {
      const { shape, dtype, batched } = specs[i] as GraphVariable;
      return { spec: { shape, dtype, batched: batched === true }, tensor };
    });
  } catch (error) {
    if (error instanceof StridenetError) return null;
    throw error;
  }
}

function drawnLeaf(leaf: Leaf, batch: number): Drawn {
  const tensor = leafTensor(leaf, 'float64', batch);
  return { spec: { shape: tensor.shape, dtype: tensor.dtype, batched: leaf.batched }, tensor };
}

function isLarge({ spec, tensor }: Drawn): boolean {
  return isFloat(spec.dtype) && tensor.data.some((y) => Math.abs(y) > largest);
}

/** Grows a pool by steps that `tryStep` lets pass. */
class Grower {
  readonly pool: Pool;

  constructor(random: Random, batch: number) {
    this.pool = new Pool(random, batch, (leaf) => drawnLeaf(leaf, batch));
  }

  /** The outputs' first place, or null: the step and what was drawn for it are gone again. */
  add(rule: string, given?: ReturnType<Rule['draw']>): Ref | null {
    const { pool } = this;
    const before = pool.items.length;
    const choice = given ?? rules[rule]?.draw(pool) ?? null;
    const step = choice && { kind: 'step' as const, rule, settings: {}, ...choice };
    const outputs = step && tryStep(step, pool.values, pool.random);
    if (step === null || outputs === null) {
      pool.items.length = before;
      pool.values.length = before;
      return null;
    }
    return this.#push(step, outputs);
  }

  #push(step: Step, outputs: Drawn[]): Ref {
    const { pool } = this;
    const large = outputs.filter(isLarge);
    const ref: Ref = [pool.items.push(step) - 1, 0];
    pool.values.push(outputs.map((drawn) => ({ ...drawn, hidden: large.includes(drawn) })));
    if (large.length === 0) return ref;
    return this.call('mul', [[ref[0], outputs.indexOf(large[0] as Drawn)]], {
      number: 1 / 16,
      swapped: false,
    });
  }

  /** A step that is known to pass. */
  call(rule: string, operands: readonly Ref[], settings: Step['settings'] = {}): Ref {
    const step: Step = { kind: 'step', rule, operands, settings };
    const { specs, run } = compute(step, this.pool.values);
    const drawn = run(({ tensor }) => tensor).map((tensor, i) => ({
      spec: specs[i] as GraphVariable,
      tensor,
    }));
    this.pool.values.push(drawn);
    return [this.pool.items.push(step) - 1, 0];
  }

  /** Σ of means of some values, each times numbers that tell its elements apart. */
  finish(): Ref {
    const { pool } = this;
    const read = new Set(
      pool.items.flatMap((item) => (item.kind === 'step' ? item.operands.map(String) : [])),
    );
    const steps = pool
      .all(({ dtype }) => isFloat(dtype))
      .filter(([item]) => pool.items[item]?.kind === 'step');
    const ends = steps.filter((ref) => !read.has(String(ref)));
    const chosen = new Set([steps.at(-1) as Ref, ...ends.filter(() => pool.chance(0.8))]);
    for (const ref of steps) if (pool.chance(0.05)) chosen.add(ref);
    const terms = [...chosen].map((ref) => {
      const { shape, batched } = pool.spec(ref);
      if (shape.length === 0) return ref;
      const sizes = shape.map((size, axis) => (batched && axis === 0 ? 1 : size));
      const scales = pool.leaf(sizes, { kind: 'constant', low: -2, high: 2 });
      return this.call('mean', [this.call('mul', [ref, scales], { swapped: false })]);
    });
    return terms.reduce((sum, term) => this.call('add', [sum, term], { swapped: false }));
  }
}

const fusible = new Set(['conv2d', 'linear']);

/** What may be drawn: which rules, and how many steps before the end. */
export interface DrawOptions {
  readonly names?: readonly string[];
  readonly steps?: readonly [number, number];
}

/** A graph of up to 30 operators, mostly; the same seed gives the same graph everywhere. */
export function drawGraph(seed: number, options: DrawOptions = {}): RandomGraph {
  const { names = Object.keys(rules), steps: [fewest, most] = [4, 22] } = options;
  const random = new Random(seed * 7919 + 1);
  const batch = random.next() < 0.65 ? random.integer(1, 4) : 0;
  const grower = new Grower(random, batch);
  const { pool } = grower;
  const [n, c, h] = [
    batch || random.integer(1, 3),
    random.pick([2, 3, 4, 6]),
    random.integer(3, 5),
  ];
  const start = { kind: 'input', batched: batch > 0 } as const;
  pool.leaf([n, c, h, random.integer(3, 5)], start);
  pool.leaf([n, random.integer(2, 6)], start);
  pool.leaf([n, random.integer(2, 4), random.integer(3, 6)], start);
  const wanted = random.integer(fewest, most);
  const choices = names.flatMap((name) => new Array<string>(rules[name]?.weight ?? 1).fill(name));
  for (let found = 0, tries = 0; found < wanted && tries < 40 * wanted; tries++) {
    const rule = random.pick(choices);
    const ref = grower.add(rule);
    if (ref === null) continue;
    found++;
    // What the compiler makes one instruction of comes next to each other seldom by chance.
    if (fusible.has(rule) && random.next() < 0.6) grower.add('relu', { operands: [ref] });
  }
  const output = grower.finish();
  const whole = { seed, batch, items: pool.items, output };
  if (!dependsOnInput(whole)) return drawGraph(seed + 2 ** 20, options);
  return pruned(whole, pool.random.next() < 0.5);
}

/** Without leaves that nothing reads and, unless `keepSteps`, without such steps. */
export function pruned(graph: RandomGraph, keepSteps = false): RandomGraph {
  const kept = new Set<number>([graph.output[0]]);
  for (let i = graph.items.length - 1; i >= 0; i--) {
    const item = graph.items[i] as Item;
    if (item.kind !== 'step' || !(keepSteps || kept.has(i))) continue;
    kept.add(i);
    for (const [operand] of item.operands) kept.add(operand);
  }
  const places = [...kept].sort((a, b) => a - b);
  const renamed = ([item, output]: Ref): Ref => [places.indexOf(item), output];
  const items = places.map((place) => {
    const item = graph.items[place] as Item;
    return item.kind === 'step' ? { ...item, operands: item.operands.map(renamed) } : item;
  });
  const isBatched = items.some((item) => item.kind !== 'step' && item.batched);
  return { ...graph, batch: isBatched ? graph.batch : 0, items, output: renamed(graph.output) };
}

/** Whether floating inputs reach the end. */
function dependsOnInput(graph: RandomGraph): boolean {
  return pruned(graph).items.some((item) => item.kind === 'input' && item.dtype === 'float');
}

function nameOf([item, output]: Ref): string {
  return output === 0 ? `v${item}` : `v${item}.${output}`;
}

/** A line a value: v7 = conv2d(v0, v3) {"padding":1} (2, 3, 4, 4). */
export function printGraph(graph: RandomGraph): string {
  const { values } = traced(graph, 'float64');
  const lines = graph.items.map((item, i) => {
    const specs = (values[i] ?? []).map(
      ({ shape, dtype }) => `${formatShape(shape)}${isFloat(dtype) ? '' : ` ${dtype}`}`,
    );
    if (item.kind !== 'step') {
      const batched = item.batched ? ' batched' : '';
      return `v${i} = ${item.kind}${batched} ${specs} seed ${item.seed} in [${item.low}, ${item.high}]`;
    }
    const settings =
      Object.keys(item.settings).length > 0 ? ` ${JSON.stringify(item.settings)}` : '';
    return `v${i} = ${item.rule}(${item.operands.map(nameOf).join(', ')})${settings} ${specs.join(' ')}`;
  });
  return [`graph of seed ${graph.seed}:`, ...lines, `value: ${nameOf(graph.output)}`].join('\n');
}

/** Whether every step passes as it did when it was drawn; graphs that were cut may not. */
function isSound(graph: RandomGraph): boolean {
  if (!dependsOnInput(graph)) return false;
  const known: Drawn[][] = [];
  for (const item of graph.items) {
    const outputs =
      item.kind === 'step'
        ? tryStep(item, known, new Random(graph.seed))
        : [drawnLeaf(item, graph.batch)];
    if (outputs === null) return false;
    known.push(outputs);
  }
  return true;
}

/** The graph with step `i` replaced by an input of its shape; null when it has several outputs. */
function withoutStep(graph: RandomGraph, i: number): RandomGraph | null {
  const item = graph.items[i] as Item;
  const outputs = traced(graph, 'float64').values[i] ?? [];
  const [only] = outputs;
  if (item.kind !== 'step' || outputs.length !== 1 || !only || !isFloat(only.dtype)) return null;
  const batched = 'batched' in only && only.batched === true;
  const { shape } = only;
  const numbers = { seed: i + 1, low: -1, high: 1 };
  const leaf: Leaf = { kind: 'input', shape, dtype: 'float', batched, ...numbers };
  const items = graph.items.map((other, at) => (at === i ? leaf : other));
  return pruned({ ...graph, items }, true);
}

/** The graph ending in the mean of value `i`. */
function endingIn(graph: RandomGraph, i: number): RandomGraph | null {
  const [only] = traced(graph, 'float64').values[i] ?? [];
  if (!only || !isFloat(only.dtype) || graph.items[i]?.kind !== 'step') return null;
  const items = [...graph.items.slice(0, i + 1)];
  if (only.shape.length === 0) return pruned({ ...graph, items, output: [i, 0] });
  const end: Step = { kind: 'step', rule: 'mean', operands: [[i, 0]], settings: {} };
  return pruned({ ...graph, items: [...items, end], output: [i + 1, 0] });
}

/** A smaller graph that fails too, as small as `attempts` tries find. */
export function shrink(
  graph: RandomGraph,
  fails: (graph: RandomGraph) => boolean,
  attempts = 150,
): RandomGraph {
  let [best, left] = [graph, attempts];
  for (let improved = true; improved; ) {
    improved = false;
    const whole = best;
    const candidates = whole.items.flatMap((_, i) => [
      () => endingIn(whole, i),
      () => withoutStep(whole, whole.items.length - 1 - i),
    ]);
    for (const candidate of [() => pruned(whole), ...candidates]) {
      const smaller = candidate();
      if (smaller === null || smaller.items.length >= best.items.length) continue;
      if (left-- <= 0) return best;
      if (!isSound(smaller) || !fails(smaller)) continue;
      best = smaller;
      improved = true;
      break;
    }
  }
  return best;
}
