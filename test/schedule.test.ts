import { describe, expect, it } from 'vitest';
import { compileProgram } from '../lib/compiler/compile.ts';
import { schedule } from '../lib/compiler/schedule.ts';
import { type Graph, type GraphVariable, Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import { checkFinite } from '../lib/ops/checkFinite.ts';
import { tracedStep } from './support/steps.ts';

const { relu, add, gather, mul, reshape } = sn.ops;

const { conv2d, flatten, dense, dropout } = sn.layers;

const convolutions = [
  ...[4, 5, 6].map((filters) => conv2d({ filters, kernelSize: 3, activation: 'relu' })),
  ...[flatten(), dense({ units: 7 })],
];

/** A training step of a network, by default of three convolutions and a dense layer. */
function step(
  options: { clipNorm?: number; clipValue?: number } = {},
  layers: readonly sn.Layer[] = convolutions,
): Graph {
  return tracedStep([...layers], options);
}

/** How far an order has come when each node stands: all operands made, no old value read too late. */
function check(graph: Graph): string[] {
  const order = schedule(graph);
  expect(new Set(order)).toEqual(new Set(graph.nodes));
  expect(order).toHaveLength(graph.nodes.length);
  const made = new Set<GraphVariable>(graph.inputs.map(({ variable }) => variable));
  for (const constant of graph.constants.keys()) made.add(constant);
  const replaced = new Map(graph.updates.map(({ state, value }) => [value, state]));
  const old = new Set<GraphVariable>();
  let checks = graph.nodes.filter(({ operator }) => operator.effect).length;
  for (const node of order) {
    for (const input of node.inputs) {
      if (input === null) continue;
      expect(made.has(input)).toBe(true);
      expect(old.has(input)).toBe(false);
    }
    if (node.operator.effect) checks -= 1;
    for (const output of node.outputs) {
      made.add(output);
      const state = replaced.get(output);
      if (state === undefined || node.operator.name !== 'sgdUpdate') continue;
      expect(checks).toBe(0);
      old.add(state);
    }
  }
  return order.map(({ operator }) => operator.name);
}

const updates = (names: readonly string[]): number[] =>
  names.flatMap((name, i) => (name === 'sgdUpdate' ? [i] : []));

describe('the order of a training step', () => {
  it('has each update right behind its gradient and the last reader of the parameter', () => {
    const names = check(step());
    const places = updates(names);
    expect(places).toHaveLength(8);
    for (const place of places) {
      expect(
        names
          .slice(0, place)
          .reverse()
          .find((name) => name !== 'sgdUpdate'),
      ).toMatch(/Gradient$/);
    }
    expect(places[0]).toBeLessThan(names.indexOf('conv2dFilterGradient'));
    const filters = names.flatMap((name, i) => (name === 'conv2dFilterGradient' ? [i] : []));
    for (const [i, filter] of filters.entries()) {
      const next = filters[i + 1] ?? names.length;
      expect(places.some((place) => place > filter && place < next)).toBe(true);
    }
  });

  it('clips values on the way, but updates nothing before a norm of all gradients is known', () => {
    const values = check(step({ clipValue: 1 }));
    expect(updates(values)[0]).toBeLessThan(values.indexOf('conv2dFilterGradient'));
    const norm = check(step({ clipNorm: 1 }));
    expect(updates(norm)[0]).toBeGreaterThan(norm.lastIndexOf('conv2dFilterGradient'));
  });

  it('holds one gradient at a time, unless a norm needs them all', () => {
    const wide = Array.from({ length: 6 }, () => dense({ units: 256, activation: 'relu' }));
    const arena = (options: { clipNorm?: number } = {}) =>
      compileProgram(step(options, [flatten(), ...wide]), () => 0).arenaBytes;
    const gradient = 256 * 256 * 4;
    expect(arena()).toBeLessThan(1.5 * gradient);
    expect(arena({ clipNorm: 1 })).toBeGreaterThan(5 * gradient);
  });

  it('reads an alias of a state before the state is replaced', () => {
    const tracer = new Tracer();
    const s = tracer.input({ shape: [2, 2], dtype: 'float32' }, 'state');
    const next = relu(s as sn.Variable) as unknown as GraphVariable;
    const flat = reshape(s as sn.Variable, [4]);
    const late = add(mul(flat, 2), flat);
    const graph = tracer.graph([late], [{ state: s, value: next }]);
    const names = schedule(graph).map(({ operator }) => operator.name);
    expect(names.at(-1)).toBe('relu');
  });

  it('replaces no state before what may still refuse, also when the new value is read', () => {
    const tracer = new Tracer();
    const [p, v, g] = ['p', 'v', 'g'].map((name) =>
      tracer.input({ shape: [64], dtype: 'float32' }, 'state', name),
    ) as [GraphVariable, GraphVariable, GraphVariable];
    const places = tracer.input({ shape: [2], dtype: 'int32' }, 'feed', 'places');
    const first = mul(g as sn.Variable, 2);
    const second = mul(g as sn.Variable, 3);
    checkFinite(second);
    const table = gather(p as sn.Variable, places as sn.Variable, { axis: 0 });
    const velocity = mul(add(v as sn.Variable, first), 0.9);
    const next = add(p as sn.Variable, mul(velocity, second));
    const updates = [
      { state: v, value: velocity as unknown as GraphVariable },
      { state: p, value: next as unknown as GraphVariable },
    ];
    const graph = tracer.graph([table as unknown as GraphVariable], updates);
    const order = schedule(graph);
    const place = (value: unknown): number =>
      order.findIndex(({ outputs }) => outputs.includes(value as GraphVariable));
    const names = order.map(({ operator }) => operator.name);
    expect(place(velocity)).toBeGreaterThan(names.indexOf('checkFinite'));
    expect(place(next)).toBeGreaterThan(names.indexOf('gather'));
  });

  it('waits for the first of those that refuse the same values, not for its gradient', () => {
    const layers = [flatten(), ...[8, 9].map((units) => dense({ units })), dropout({ rate: 0.5 })];
    const names = check(step({}, [...layers, ...[8, 7].map((units) => dense({ units }))]));
    expect(names.filter((name) => name === 'dropout')).toHaveLength(2);
    expect(updates(names)[0]).toBeLessThan(names.lastIndexOf('dropout'));
  });

  it('swaps states by their old values, as they were recorded', () => {
    const tracer = new Tracer();
    const [a, b] = [1, 2].map(() => tracer.input({ shape: [2], dtype: 'float32' }, 'state')) as [
      GraphVariable,
      GraphVariable,
    ];
    const [c, d] = [mul(b as sn.Variable, 2), mul(a as sn.Variable, 3)] as unknown as [
      GraphVariable,
      GraphVariable,
    ];
    const graph = tracer.graph(
      [],
      [
        { state: a, value: c },
        { state: b, value: d },
      ],
    );
    expect(schedule(graph)).toEqual(graph.nodes);
  });
});
