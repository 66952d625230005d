import { afterAll, describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { gradients } from '../lib/graph/differentiate.ts';
import { type GraphVariable, Tracer } from '../lib/graph/graph.ts';
import { ops, trace } from '../lib/index.ts';
import type { Operand, Variable } from '../lib/ops/operator.ts';
import { Random } from './support/random.ts';

const { add, linear, mul, relu, sin, sum, tanh } = ops;

interface Structure {
  readonly name: string;
  /** About `count` calls on x and w (4,4). */
  build(x: Variable, w: Variable, count: number): Variable;
}

const structures: Structure[] = [
  {
    name: 'chain',
    build(x, _, count) {
      let y = x;
      for (let i = 0; i < count; i++) y = tanh(y);
      return y;
    },
  },
  {
    name: 'wide fan-out',
    build(x, _, count) {
      const readers = Array.from({ length: count / 2 }, () => sin(x));
      return readers.reduce((total, y) => add(total, y));
    },
  },
  {
    name: 'random',
    build(x, w, count) {
      const random = new Random(1);
      const values = [x, w];
      const one = () => values[random.integer(0, values.length - 1)] as Variable;
      while (values.length < count) {
        const [a, b] = [one(), one()];
        values.push(random.pick([() => sin(a), () => add(a, b), () => mul(a, b)])());
      }
      return values.slice(-50).reduce((total, y) => add(total, y));
    },
  },
  {
    name: 'deep residual',
    build(x, w, count) {
      let y = x;
      for (let i = 0; i < count / 3; i++) y = add(y, relu(linear(y, w)));
      return y;
    },
  },
];

/** Milliseconds of this process, whatever others do meanwhile. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

interface Figure {
  readonly nodes: number;
  /** Milliseconds to record and differentiate, and to make it ready on each backend. */
  readonly trace: number;
  readonly reference: number;
  readonly native: number;
}

function measure({ build }: Structure, count: number): Figure {
  const start = cpuTime();
  const tracer = new Tracer();
  const spec = { shape: [4, 4], dtype: 'float32' } as const;
  const inputs = [tracer.input(spec), tracer.input(spec)] as const;
  const loss = sum(build(...inputs, count));
  const graph = tracer.graph([loss, ...(gradients(loss, inputs) as GraphVariable[])]);
  const recorded = cpuTime();
  backendOf('reference').prepare(graph).dispose();
  const interpreted = cpuTime();
  backendOf('native').prepare(graph).dispose();
  const end = cpuTime();
  return {
    nodes: graph.nodes.length,
    trace: recorded - start,
    reference: interpreted - recorded,
    native: end - interpreted,
  };
}

const lines: string[] = [];

function note(name: string, { nodes, trace, reference, native }: Figure): number {
  const [t, r, n] = [trace, reference, native].map((time) => `${time.toFixed(0)} ms`);
  lines.push(`${name}: ${nodes} nodes with gradients; traced ${t}, reference ${r}, native ${n}`);
  return trace + reference + native;
}

afterAll(() => console.log(lines.join('\n')));

describe('large graphs', () => {
  it.each(structures)('of 2,000 nodes compile in a second: $name', (structure) => {
    // Once more where something else made it late.
    const inTime = [1, 2, 3].some(() => note(structure.name, measure(structure, 2000)) < 1000);
    expect(inTime, lines.join('\n')).toBe(true);
  });

  it('of 20,000 nodes compile in seconds', () => {
    const residual = structures.at(-1) as Structure;
    expect(note('deep residual', measure(residual, 20_000))).toBeLessThan(30_000);
  });

  it('of 20,000 nodes say what they cost in seconds', () => {
    const residual = structures.at(-1) as Structure;
    const spec = { shape: [4, 4], dtype: 'float32' } as const;
    const body = (x: Variable, w: Variable) => sum(residual.build(x, w, 20_000));
    const graph = trace(body as (...inputs: Variable[]) => Operand, spec, spec);
    const start = cpuTime();
    const { nodes } = graph.cost();
    const time = cpuTime() - start;
    lines.push(`cost of ${nodes.length} nodes: ${time.toFixed(0)} ms`);
    expect(time).toBeLessThan(6000);
  });

  it('with thousands of states and outputs compile in a second', () => {
    const make = (): number => {
      const start = cpuTime();
      const tracer = new Tracer();
      const spec = { shape: [4], dtype: 'float32' } as const;
      const states = Array.from({ length: 4000 }, () => tracer.input(spec, 'state'));
      const values = states.map((state) => mul<Variable, number>(state, 0.5) as GraphVariable);
      const updates = states.map((state, i) => ({ state, value: values[i] as GraphVariable }));
      const graph = tracer.graph(
        values.map((value) => tanh(value)),
        updates,
      );
      for (const backend of ['reference', 'native'] as const) {
        const program = backendOf(backend).prepare(graph);
        program.runSync({ steps: 2, feeds: [] });
        program.dispose();
      }
      return cpuTime() - start;
    };
    const inTime = [1, 2, 3].some(() => {
      const time = make();
      lines.push(`4000 states and outputs: ${time.toFixed(0)} ms`);
      return time < 1000;
    });
    expect(inTime, lines.join('\n')).toBe(true);
  });
});
