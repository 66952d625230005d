import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { applyAll, need } from '../lib/ops/operator.ts';
import { Generator } from '../lib/random.ts';
import { attributesOf, type Case, type GradientClaim, makeInputs, seeds } from './cases/case.ts';
import { families } from './cases/index.ts';
import { backends } from './support/networks.ts';
import { operatorNamed } from './support/oracle.ts';
import { drawGraph, type RandomGraph, traced } from './support/randomGraphs.ts';

const { add, linear, mul, sin, square, sum, tanh } = sn.ops;

type Claimed = Case & { readonly gradient: GradientClaim };

/** One case with a gradient of every operator that has one. */
const differentiable = new Map<string, Claimed>();
for (const tried of Object.values(families).flatMap(({ cases }) => cases)) {
  if (tried.gradient && !differentiable.has(tried.operator)) {
    differentiable.set(tried.operator, tried as Claimed);
  }
}

/** A function of one element that ends in the operator, and reads its first input twice. */
function scalarOf(tried: Claimed): { fn: sn.ScalarFunction; at: sn.Tensor[] } {
  const { inputs: varied, outputs } = tried.gradient;
  const inputs = makeInputs(tried, 'float64');
  const fn = (...variables: sn.Variable[]): sn.Variable => {
    const operands: (sn.Operand | null)[] = [...inputs];
    for (const [v, place] of varied.entries()) operands[place] = need(variables[v]);
    const operator = operatorNamed(tried.operator);
    const results = applyAll(operator, operands, attributesOf(tried, 'float64')).filter(
      ({ dtype }, o) => dtype === 'float64' && (outputs === undefined || outputs.includes(o)),
    );
    const random = new Generator(tried.seed, 'directions');
    return results.reduce<sn.Variable>(
      (total, result) => {
        const direction = sn.zeros(result.shape, 'float64');
        direction.data.forEach((_, i) => {
          direction.data[i] = 2 * random.uniform() - 1;
        });
        return add(total, sum(mul(result as sn.Variable, direction)));
      },
      sum(square(need(variables[0]))),
    );
  };
  return { fn, at: varied.map((place) => inputs[place] as sn.Tensor) };
}

/** t of every value, by the operators' messages on tensors, summed here. */
function summedMessages(
  graph: sn.ComputationGraph,
  values: ReadonlyMap<sn.GraphVariable, sn.Tensor>,
): Map<sn.GraphVariable, sn.Tensor> {
  const t = new Map<sn.GraphVariable, sn.Tensor>();
  t.set(need(graph.outputs[0]), sn.full([], 1, 'float64'));
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => t.has(output)) || !node.operator.gradient) continue;
    const { fixed } = node.operator;
    const wanted = node.inputs.map((input, i) => input?.dtype === 'float64' && !fixed?.includes(i));
    const sent = node.operator.gradient({
      inputs: node.inputs.map((input) => input && need(values.get(input))),
      outputs: node.outputs.map((output) => need(values.get(output))),
      gradients: node.outputs.map((output) => t.get(output) ?? null),
      attributes: node.attributes,
      wanted,
    });
    node.inputs.forEach((input, i) => {
      const message = sent[i] as sn.Tensor | null | undefined;
      if (!input || !message || !wanted[i]) return;
      const known = t.get(input);
      t.set(input, known ? add(known, message) : message);
    });
  }
  return t;
}

/** The largest |a − b| over the larger of 1 and the largest |b|. */
function distance(a: sn.Tensor, b: sn.Tensor): number {
  expect(a.shape).toEqual(b.shape);
  let [worst, size] = [0, 1];
  b.data.forEach((value, i) => {
    worst = Math.max(worst, Math.abs((a.data[i] as number) - value));
    size = Math.max(size, Math.abs(value));
  });
  return worst / size;
}

/** Checks every value, the sum of messages at every t, and that each visit follows its readers'. */
function checkEvaluation(graph: sn.ComputationGraph, evaluation: sn.GraphEvaluation): void {
  const { values, adjoints, order } = evaluation;
  const made = graph.nodes.flatMap(({ outputs }) => outputs);
  expect(new Set(values.keys())).toEqual(
    new Set([...graph.inputs.map(({ variable }) => variable), ...graph.constants.keys(), ...made]),
  );
  const expected = summedMessages(graph, values);
  expect(new Set(adjoints.keys())).toEqual(new Set(expected.keys()));
  for (const [value, t] of expected) {
    expect(distance(need(adjoints.get(value)), t), graph.nameOf(value)).toBeLessThan(1e-12);
  }
  expect(new Set(order)).toEqual(new Set(adjoints.keys()));
  const place = new Map(order.map((value, i) => [value, i]));
  for (const { inputs, outputs } of graph.nodes) {
    const visits = outputs.flatMap((output) => place.get(output) ?? []);
    for (const input of inputs) {
      const visit = input === null ? undefined : place.get(input);
      if (visit === undefined || visits.length === 0) continue;
      expect(visit).toBeGreaterThan(Math.max(...visits));
    }
  }
}

const drawn = new Map<number, RandomGraph>();

function drawnGraph(seed: number): RandomGraph {
  const graph = drawn.get(seed) ?? drawGraph(seed);
  drawn.set(seed, graph);
  return graph;
}

describe.each(backends)('C1: a function of operators as a graph, on %s', (backend) => {
  it.each([...differentiable.values()])('C1: $operator: t is the sum of the messages', (tried) => {
    const { fn, at } = scalarOf(tried);
    const graph = sn.trace(fn, ...at);
    checkEvaluation(graph, graph.with({ backend }).evaluate(...at));
  });

  it('C1: random graphs of many operators', () => {
    for (const seed of seeds(20)) {
      const { tracer, loss, feeds } = traced(drawnGraph(seed), 'float64');
      const graph = new sn.ComputationGraph(tracer.graph([loss])).with({ backend });
      checkEvaluation(graph, graph.evaluate(...feeds));
    }
  });
});

const scalar = { shape: [], dtype: 'float64' } as const;
const number = (value: number): sn.Tensor => sn.tensor(value, [], 'float64');

/** f(x1, x2, θ) = sin(θ·x1 + x2) + θ·x2². */
function f(x1: sn.Variable, x2: sn.Variable, theta: sn.Variable): sn.Variable {
  return add(sin(add(mul(theta, x1), x2)), mul(theta, square(x2)));
}

describe.each(backends)('C2: sin(θ·x1 + x2) + θ·x2² on %s', (backend) => {
  const points: readonly [number, number, number][] = [
    [2, 0.5, 3],
    [-0.7, 1.3, 0.4],
    [0, 0, 0],
  ];
  const graph: sn.ComputationGraph = sn
    .trace(f, { ...scalar, name: 'x1' }, { ...scalar, name: 'x2' }, { ...scalar, name: 'θ' })
    .with({ backend });

  it.each(points)('C2: value and t of every node at %f, %f, %f', (x1, x2, theta) => {
    const evaluation = graph.evaluate(number(x1), number(x2), number(theta));
    const { values, adjoints, order } = evaluation;
    const u = theta * x1 + x2;
    const expected: Record<string, [value: number, t: number]> = {
      add_2: [Math.sin(u) + theta * x2 ** 2, 1],
      mul_2: [theta * x2 ** 2, 1],
      square: [x2 ** 2, theta],
      sin: [Math.sin(u), 1],
      add: [u, Math.cos(u)],
      mul: [theta * x1, Math.cos(u)],
      θ: [theta, x1 * Math.cos(u) + x2 ** 2],
      x1: [x1, theta * Math.cos(u)],
      x2: [x2, Math.cos(u) + 2 * theta * x2],
    };
    expect(order.slice(0, 6).map((value) => graph.nameOf(value))).toEqual(
      Object.keys(expected).slice(0, 6),
    );
    expect(new Set(order.map((value) => graph.nameOf(value)))).toEqual(
      new Set(Object.keys(expected)),
    );
    expect(values.size).toBe(9);
    for (const [name, [value, t]] of Object.entries(expected)) {
      const node = graph.named(name);
      expect(values.get(node)?.item(), name).toBeCloseTo(value, 14);
      expect(adjoints.get(node)?.item(), name).toBeCloseTo(t, 14);
    }
    expect(String(evaluation).split('\n')).toHaveLength(10);
  });

  it('C2: t of the inputs is what central differences say', () => {
    const { maxError } = sn.gradientCheck(f, points[1]?.map(number) ?? [], { backend });
    expect(maxError).toBeLessThan(1e-9);
    for (const point of points) {
      const { adjoints } = graph.evaluate(...point.map(number));
      graph.inputs.forEach(({ variable }, i) => {
        const at = (h: number): number => {
          const moved = point.map((value, j) => number(j === i ? value + h : value));
          return need(graph.values(...moved).get(need(graph.outputs[0]))).item();
        };
        const numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
        expect(Math.abs(need(adjoints.get(variable)).item() - numeric)).toBeLessThan(1e-9);
      });
    }
  });

  it('C2: differentiates again and compiles', async () => {
    const second = sn.grad(
      (x1, x2, theta) => {
        const [dx1] = sn.gradients(f(x1, x2, theta), [x1]);
        return dx1 as sn.Operand;
      },
      { backend },
    );
    const [x1, x2, theta] = [2, 0.5, 3];
    const grads = second(number(x1), number(x2), number(theta));
    const u = theta * x1 + x2;
    const [s, c] = [Math.sin(u), Math.cos(u)];
    [-(theta ** 2) * s, -theta * s, c - theta * x1 * s].forEach((value, i) => {
      expect(grads[i]?.item()).toBeCloseTo(value, 13);
    });
    const compiled = sn.compile(f, { backend });
    expect((await compiled(number(x1), number(x2), number(theta))).item()).toBeCloseTo(
      s + theta * x2 ** 2,
      14,
    );
    compiled.dispose();
  });
});

type Matrix = number[][];

function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) =>
    need(b[0]).map((_, j) =>
      row.reduce((total, value, k) => total + value * need(need(b[k])[j]), 0),
    ),
  );
}

function diagonal(values: readonly number[]): Matrix {
  return values.map((value, i) => values.map((_, j) => (i === j ? value : 0)));
}

describe.each(backends)('C5: Jacobians of a multi-layer perceptron on %s', (backend) => {
  it('C5: ∂y_L/∂b_l and ∂y_L/∂A_l are products of matrices', async () => {
    const sizes = [4, 5, 6, 3];
    const layers = sizes.length - 1;
    const random = new Generator(5, 'perceptron');
    const draw = (shape: number[]): sn.Tensor => {
      const drawn = sn.zeros(shape, 'float64');
      drawn.data.forEach((_, i) => {
        drawn.data[i] = 2 * random.uniform() - 1;
      });
      return drawn;
    };
    const A = sizes.slice(1).map((size, l) => draw([size, need(sizes[l])]));
    const b = sizes.slice(1).map((size) => draw([size]));
    const x = draw([1, need(sizes[0])]);

    const activations: number[][] = [[...x.data]];
    for (let l = 0; l < layers; l++) {
      const z = product(
        need(A[l]).toArray() as Matrix,
        need(activations[l]).map((y) => [y]),
      );
      activations.push(z.map(([value], i) => Math.tanh(need(value) + need(need(b[l]).data[i]))));
    }
    const slopes = activations.slice(1).map((y) => diagonal(y.map((value) => 1 - value ** 2)));
    /** D_L · A_L · D_{L−1} · … · A_{l+1} · D_l. */
    const biasJacobian = (l: number): Matrix => {
      let found = need(slopes[layers - 1]);
      for (let above = layers - 1; above > l; above--) {
        found = product(
          product(found, need(A[above]).toArray() as Matrix),
          need(slopes[above - 1]),
        );
      }
      return found;
    };

    const rows = sn.compile(
      (seed, input, ...parameters) => {
        let y = input;
        for (let l = 0; l < layers; l++) {
          y = tanh(linear(y, need(parameters[l]), need(parameters[layers + l])));
        }
        return sn.gradients(y, parameters, seed) as sn.Operand[];
      },
      { backend },
    );
    for (let unit = 0; unit < need(sizes[layers]); unit++) {
      const seed = sn.zeros([1, need(sizes[layers])], 'float64');
      seed.data[unit] = 1;
      const grads = await rows(seed, x, ...A, ...b);
      for (let l = 0; l < layers; l++) {
        const row = need(biasJacobian(l)[unit]);
        const byBias = need(grads[layers + l]);
        const byMatrix = need(grads[l]);
        row.forEach((value, j) => {
          expect(Math.abs(need(byBias.data[j]) - value)).toBeLessThan(1e-12);
          need(activations[l]).forEach((y, k) => {
            const entry = need(byMatrix.data[j * need(sizes[l]) + k]);
            expect(Math.abs(entry - value * y)).toBeLessThan(1e-12);
          });
        });
      }
    }
    rows.dispose();
  });
});

describe('C4: cost', () => {
  it('C4: the digits network takes 736,488 multiply-adds forward and 1.74 times that backward', () => {
    for (const loss of [undefined, sn.losses.softmaxCrossEntropy()]) {
      for (const batch of [1, 10]) {
        const { forward, backward, total } = sn.models
          .mnist()
          .graph({ batch, ...(loss ? { loss, training: true } : {}) })
          .cost();
        expect(forward.multiplyAdds).toBe(736_488 * batch);
        expect(backward.multiplyAdds).toBe(1_278_288 * batch);
        expect(total.multiplyAdds).toBe(2_014_776 * batch);
        expect(backward.multiplyAdds / forward.multiplyAdds).toBeCloseTo(1.74, 2);
      }
    }
  });

  it('C4: with a gradient of the image it is exactly twice', () => {
    const graph = sn.models.mnist().graph();
    const all = graph.inputs.map(({ variable }) => variable);
    const { forward, backward } = graph.cost({ wrt: all });
    expect(backward.multiplyAdds).toBe(2 * forward.multiplyAdds);
  });

  it('C4: convolutions with stride and groups, pooling and dense layers as counted by hand', () => {
    const net = sn.sequential({
      inputShape: [4, 9, 9],
      dtype: 'float64',
      layers: [
        sn.layers.conv2d({ filters: 6, kernelSize: 3, stride: 2, groups: 2 }),
        sn.layers.avgPool2d({ kernelSize: 2 }),
        sn.layers.flatten(),
        sn.layers.dense({ units: 5 }),
      ],
    });
    const { forward, backward } = net.graph({ batch: 3 }).cost();
    // 6 filters of 2 channels by 3x3 at 4x4 places; 6·2·2 features to 5 units.
    const [conv, dense] = [3 * 6 * 2 * 9 * 16, 3 * 24 * 5];
    expect(forward.multiplyAdds).toBe(conv + dense);
    expect(backward.multiplyAdds).toBe(conv + 2 * dense);
    const [x, weight, bias, y] = [3 * 4 * 81, 6 * 2 * 9, 6, 3 * 6 * 16];
    const [pooled, matrix, units, output] = [3 * 24, 5 * 24, 5, 3 * 5];
    expect(forward.bytes).toBe(
      8 * (x + weight + bias + y + (y + pooled) + (pooled + matrix + units + output)),
    );
    const pass = [
      output + matrix + pooled,
      pooled + output + matrix,
      output + units,
      pooled + y,
      x + y + weight,
      y + bias,
    ];
    expect(backward.bytes).toBe(8 * pass.reduce((a, b) => a + b));
    // The convolution's output and its average are there together.
    expect(forward.peakBytes).toBe(8 * (y + pooled));
  });

  it('C4: networks of the literature take what torchvision says of them', () => {
    const published = {
      alexnet: 0.714,
      vgg16: 15.47,
      resnet18: 1.814,
      resnet50: 4.089,
      mobilenetV2: 0.301,
    };
    for (const [name, billions] of Object.entries(published)) {
      const net = sn.models[name as keyof typeof published]();
      const { forward, backward } = net.graph().cost();
      expect((forward.multiplyAdds / 1e9).toFixed(3), name).toBe(billions.toFixed(3));
      expect(backward.multiplyAdds / forward.multiplyAdds, name).toBeGreaterThan(1.9);
      expect(backward.multiplyAdds, name).toBeLessThan(2 * forward.multiplyAdds);
    }
  });

  it('C4: grows with the batch', () => {
    const costs = [1, 2, 5, 16].map((batch) => {
      const loss = sn.losses.softmaxCrossEntropy();
      return sn.models.mnist().graph({ batch, loss, training: true }).cost();
    });
    costs.slice(1).forEach((cost, i) => {
      for (const pass of ['forward', 'backward', 'total'] as const) {
        for (const what of ['multiplyAdds', 'bytes', 'peakBytes'] as const) {
          expect(cost[pass][what]).toBeGreaterThan(need(costs[i])[pass][what]);
        }
      }
    });
  });
});
