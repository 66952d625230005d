import { describe, expect, it } from 'vitest';
import { renderSvg } from '../lib/graph/drawing/svg.ts';
import * as sn from '../lib/index.ts';
import { maxPool2dWithWinners } from '../lib/ops/maxPool2d.ts';
import { expectedOf, type ReadDrawing, readDot, readMermaid, readSvg } from './support/drawings.ts';
import { drawnGraphs } from './support/drawnGraphs.ts';
import { stepGraph, trainingGraph } from './support/graphs.ts';
import { small } from './support/networks.ts';
import { drawGraph, traced } from './support/randomGraphs.ts';

const { add, linear, mul, relu, sub } = sn.ops;
const loss = sn.losses.softmaxCrossEntropy();
const vector = { shape: [3], dtype: 'float32' } as const;

/** A network with a frame within a frame, states that change, and a loss. */
function nested(): sn.ComputationGraph {
  const { batchNorm, conv2d, dense, globalAvgPool2d, residual } = sn.layers;
  const filters = { filters: 3, kernelSize: 3, padding: 'same' } as const;
  const inner = residual({ layers: [conv2d({ ...filters, activation: 'relu' })] });
  return sn
    .sequential({
      inputShape: [3, 6, 6],
      layers: [
        conv2d(filters),
        batchNorm(),
        residual({ layers: [conv2d(filters), inner], activation: 'relu' }),
        globalAvgPool2d(),
        dense({ units: 2, activation: 'softmax' }),
      ],
    })
    .graph({ batch: 2, training: true, loss });
}

async function read(graph: sn.ComputationGraph, options?: sn.DrawingOptions) {
  return {
    mermaid: await readMermaid(graph.toMermaid(options)),
    dot: readDot(graph.toDot(options)),
  };
}

/** That a drawing has what the graph has, and no more. */
function expectWhole(drawing: ReadDrawing, graph: sn.ComputationGraph, clusters = true): void {
  const { count, edges, scopes } = expectedOf(graph);
  expect([...drawing.nodes.keys()].sort()).toEqual(
    Array.from({ length: count }, (_, i) => `n${i}`).sort(),
  );
  expect(drawing.edges).toEqual(edges);
  for (const [id, scope] of scopes) expect(drawing.frames.get(id)).toEqual(clusters ? scope : []);
}

const networks = [
  ...(['mnist', 'lenet5', 'lenet5Original', 'alexnet', 'alexnetTwoTowers', 'vgg16'] as const),
  ...(['networkInNetwork', 'resnet18', 'mobilenetV2'] as const),
];

const models: Readonly<Record<string, () => sn.ComputationGraph>> = {
  ...Object.fromEntries(networks.map((name) => [name, () => sn.models[name]().graph({ loss })])),
  resnet50: () => sn.models.resnet50().graph({ training: true, loss }),
  'a nested network': nested,
  'gradients of a network': () => new sn.ComputationGraph(trainingGraph().graph),
  'a training step': () => new sn.ComputationGraph(stepGraph().graph),
};

describe('a drawing has each value once and an arrow for each use', () => {
  it.each(Object.entries(models))('of %s', async (_, make) => {
    const graph = make();
    const { mermaid, dot } = await read(graph);
    expectWhole(mermaid, graph);
    expectWhole(dot, graph);
    expect(dot.nodes).toEqual(mermaid.nodes);
    expect(dot.frames).toEqual(mermaid.frames);
    expect([...dot.edgeLabels].sort()).toEqual([...mermaid.edgeLabels].sort());
  });

  it('of random graphs over all operators', async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const { tracer, loss: output } = traced(drawGraph(seed), 'float64');
      const graph = new sn.ComputationGraph(tracer.graph([output]));
      const { mermaid, dot } = await read(graph, { direction: 'LR' });
      expectWhole(mermaid, graph);
      expectWhole(dot, graph);
    }
  });

  it('without frames', async () => {
    const graph = nested();
    const { mermaid, dot } = await read(graph, { clusters: false });
    expectWhole(mermaid, graph, false);
    expectWhole(dot, graph, false);
  });

  it('is the same text each time, whatever else was traced', () => {
    const texts = () => Object.values(models).map((make) => [make().toMermaid(), make().toDot()]);
    const first = texts();
    sn.trace((x: sn.Variable) => relu(add(x, 1)), vector);
    expect(texts()).toEqual(first);
  });
});

describe('nodes', () => {
  const labels = async (graph: sn.ComputationGraph, options?: sn.DrawingOptions) => {
    const { mermaid, dot } = await read(graph, options);
    expect(dot.nodes).toEqual(mermaid.nodes);
    return Array.from({ length: dot.nodes.size }, (_, i) => dot.nodes.get(`n${i}`)?.join(' | '));
  };

  it('show operator, settings that are out of the ordinary, shape, and dtype where it differs', async () => {
    expect(await labels(small().graph({ batch: 3, loss }))).toEqual([
      'x | (3, 1, 28, 28)',
      ...['0.weight | (5, 1, 5, 5)', '0.bias | (5)', '2.weight | (6, 5, 3, 3)', '2.bias | (6)'],
      ...['4.weight | (10, 216)', '4.bias | (10)', 'labels | (3) int32'],
      'conv2d | kernelSize 5, stride 2, padding 1 | (3, 5, 13, 13)',
      'relu | (3, 5, 13, 13)',
      'maxPool2d | kernelSize 3, stride 2 | (3, 5, 6, 6)',
      'conv2d | kernelSize 3, padding 1 | (3, 6, 6, 6)',
      'relu | (3, 6, 6, 6)',
      'reshape | (3, 216)',
      'linear | (3, 10)',
      'softmaxCrossEntropy | ()',
      'output',
    ]);
  });

  it('show numbers, and no shapes where all are numbers', async () => {
    const { graph, options } = drawnGraphs.function;
    expect((await labels(graph, options)).slice(0, 5)).toEqual([
      'x1 | value = 2 | t = 2.93',
      'x2 | value = 0.5 | t = 3.977',
      'θ | value = 3 | t = 2.203',
      'mul | value = 6 | t = 0.9766',
      'add | value = 6.5 | t = 0.9766',
    ]);
  });

  it('show few elements, the norm of many, and values alone where there is no reverse mode', async () => {
    const graph = sn.trace((x: sn.Variable, y: sn.Variable) => [mul(x, 2), relu(y)], vector, {
      shape: [2, 2],
      dtype: 'float32',
    });
    const y = sn.tensor([
      [3, 0],
      [0, -4],
    ]);
    const values = graph.values(sn.tensor([1, 0.5, 1 / 3]), y);
    expect(await labels(graph, { values })).toEqual([
      'x0 | (3) | value = [1, 0.5, 0.3333]',
      'x1 | (2, 2) | ‖value‖ = 5',
      '2',
      'mul | (3) | value = [2, 1, 0.6667]',
      'relu | (2, 2) | ‖value‖ = 3',
      'output 0',
      'output 1',
    ]);
  });

  it('of several outputs are one, with the outputs at the edges', async () => {
    const graph = sn.trace(
      (x: sn.Variable) => Object.values(maxPool2dWithWinners(x, { kernelSize: 2 })),
      { shape: [1, 1, 4, 4], dtype: 'float32' },
    );
    const { mermaid, dot } = await read(graph);
    for (const drawing of [mermaid, dot]) {
      expect(drawing.nodes.size).toBe(4);
      expect(drawing.edgeLabels).toEqual(['y (1, 1, 2, 2)', 'winners (1, 1, 2, 2) uint8']);
    }
  });

  it('do not say twice what an edge carries', () => {
    const text = new sn.ComputationGraph(trainingGraph().graph).toMermaid();
    expect(text).toContain('"winners (6, 8, 6, 6) uint8"');
    expect(text).not.toContain('as winners');
  });

  it('name operands where they could be taken for each other', async () => {
    const matrix = { shape: [3, 3], dtype: 'float32' } as const;
    const graph = sn.trace(
      (x: sn.Variable, y: sn.Variable) => sub(linear(x, relu(y)), add(x, y)),
      matrix,
      matrix,
    );
    const { mermaid, dot } = await read(graph);
    for (const { edgeLabels } of [mermaid, dot]) expect(edgeLabels).toEqual(['weight', 'a', 'b']);
  });
});

describe('reverse mode', () => {
  it('is drawn in a frame of its own, with whose adjoint each value is', async () => {
    const { graph, options } = drawnGraphs.function;
    const { mermaid, dot } = await read(graph, { ...options, gradient: true });
    for (const { nodes, frames } of [mermaid, dot]) {
      const inside = [...nodes].filter(([id]) => frames.get(id)?.[0] === 'reverse mode');
      const lines = inside.map(([, label]) => label.join(' | '));
      expect(lines).toContain('mul | t of x1 = 2.93');
      expect(lines).toContain('add | t of θ = 2.203');
      for (const name of ['x1', 'x2', 'θ']) expect(lines).toContain(`∂/∂${name}`);
      expect(nodes.size - inside.length).toBe(10);
    }
    expect(mermaid.edges).toEqual(dot.edges);
  });

  it('leaves the graph as it is', () => {
    const graph = nested();
    const before = [graph.toMermaid(), graph.nodes.length, graph.constants.size];
    expect(graph.toMermaid({ gradient: true })).not.toBe(before[0]);
    expect([graph.toMermaid(), graph.nodes.length, graph.constants.size]).toEqual(before);
  });
});

const hostile = [
  'θ ≤ 10⁻³',
  'a "quoted" \'name\'',
  'end',
  'subgraph',
  '[x](y){z}',
  '<b>bold</b>',
  'a && b &amp; c &#35; d',
  'line\nbreak',
  'back\\slash\\n\\',
  '%%{init: {"theme": "dark"}}%%',
  '-->|x|',
  ':::input;',
  'style: #fff;',
  '`code` **strong** _x_',
  '1. list',
  '- item',
  '#quot; #35;',
  '-->',
  '<!-- ]]>',
  '漢字 😀 ﬂ°°35¶ß',
  '$x^2$',
  '|‖|',
];
/** What no document may hold is shown as the sign for that. */
const impossible = {
  'nul\0bell\x07': 'nul\ufffdbell\ufffd',
  'half \ud800': 'half \ufffd',
  'tab\tend': 'tab end',
};

describe('hostile names come through', () => {
  const named = (name: string) =>
    sn.trace((x: sn.Variable) => sn.scoped(name.replaceAll('/', '|'), () => relu(add(x, 1))), {
      ...vector,
      name,
    });

  it.each([...hostile.map((name) => [name, name]), ...Object.entries(impossible)])(
    '%j',
    async (name, shown) => {
      const graph = named(name);
      const { mermaid, dot } = await read(graph);
      const frame = shown.replaceAll('/', '|');
      for (const { nodes, frames, edges } of [mermaid, dot]) {
        expect(nodes.get('n0')).toEqual([...shown.split('\n'), '(3)']);
        expect(frames.get('n2')).toEqual([frame]);
        expect(edges).toHaveLength(4);
      }
      const texts = readSvg(await graph.toSvg());
      for (const line of [...shown.split('\n'), ...frame.split('\n')])
        expect(texts).toContain(line);
    },
  );

  it('as one text, too', async () => {
    const name = hostile.join(' ');
    const { mermaid, dot } = await read(named(name));
    for (const { nodes } of [mermaid, dot]) {
      expect(nodes.get('n0')?.slice(0, -1).join('\n')).toBe(name);
    }
  });
});

describe('pictures', () => {
  it.each(Object.entries(drawnGraphs))(
    'of the %s have every label',
    async (_, { graph, options }) => {
      const svg = await graph.toSvg(options);
      const texts = readSvg(svg);
      const { nodes, frames } = readDot(graph.toDot(options));
      for (const label of [...nodes.values(), ...frames.values()].flat()) {
        expect(texts).toContain(label);
      }
      expect(svg).toMatch(
        /^<svg role="img" aria-label="computation graph" width="\d+pt" height="\d+pt"/,
      );
      expect(svg.length).toBeLessThan(30_000);
    },
  );

  it('have each line of a node in its middle', async () => {
    const svg = await small().graph().toSvg();
    for (const [group] of svg.matchAll(/<g id="\w+" class="node">[\s\S]*?<\/g>/g)) {
      const places = [...group.matchAll(/text-anchor="middle" x="([^"]+)"/g)].map(([, x]) => x);
      expect(places.length).toBe(group.match(/<text/g)?.length);
      expect(new Set(places).size).toBe(1);
    }
  });

  it('are laid out for 2,000 nodes one after the other', async () => {
    const graph = sn.trace((x: sn.Variable) => {
      let y = x;
      for (let i = 0; i < 2000; i++) y = relu(y);
      return y;
    }, vector);
    expect(readSvg(await graph.toSvg()).filter((text) => text === 'relu')).toHaveLength(2000);
  });

  it('need a package, and say which and how it is installed', async () => {
    const cause = Object.assign(new Error("Cannot find package '@viz-js/viz'"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    await expect(
      renderSvg('digraph {}', () => {
        throw cause;
      }),
    ).rejects.toMatchObject({
      code: 'ERR_PACKAGE_NOT_FOUND',
      message: expect.stringContaining('npm install @viz-js/viz'),
      cause,
    });
  });

  it('leave the thread of JavaScript free', async () => {
    const graph = small().graph();
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    try {
      await graph.toSvg();
    } finally {
      clearInterval(ticking);
    }
    expect(turns).toBeGreaterThan(3);
  });

  it('say when they cannot be laid out', async () => {
    await expect(renderSvg('digraph { a -> }')).rejects.toMatchObject({
      code: 'ERR_LAYOUT',
      message: expect.stringContaining('syntax error'),
    });
  });
});

describe('wrong input', () => {
  const graph = small().graph();
  const other = drawnGraphs.function.options.values;
  it.each([
    ['an option that there is none of', { colour: 1 }, "has no option 'colour'"],
    ['a direction', { direction: 'RL' }, "direction to be 'TB' or 'LR' but received 'RL'"],
    ['clusters', { clusters: 1 }, 'clusters to be true or false but received 1'],
    ['gradient', { gradient: 'yes' }, 'gradient to be true or false'],
    ['values', { values: {} }, 'values to be what graph.evaluate or graph.values gives'],
    ['values of another graph', { values: other }, 'values has those of another graph'],
    ['no options at all', null, 'an object of options'],
  ])('%s', async (_, options, message) => {
    const refusal = (name: string) =>
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        message: expect.stringMatching(new RegExp(`^\\[${name}\\] .*${message}`)),
      });
    expect(() => graph.toMermaid(options as never)).toThrow(refusal('toMermaid'));
    expect(() => graph.toDot(options as never)).toThrow(refusal('toDot'));
    await expect(graph.toSvg(options as never)).rejects.toEqual(refusal('toSvg'));
  });

  it('gradients that there are none of', () => {
    const counted = sn.trace(
      (x: sn.Variable) => sn.ops.sum(sn.ops.mul(x, sn.ops.where(sn.ops.less(x, 0), x, 1))),
      vector,
    );
    expect(counted.toDot({ gradient: true })).toContain('reverse mode');
    const scalar = { shape: [], dtype: 'float64' } as const;
    const step = sn.trace(
      (p: sn.Variable, rate: sn.Variable) => {
        const plain = { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };
        return sn.ops.sgdUpdate<sn.Operand, sn.Operand>(p, p, null, rate, plain)[0];
      },
      vector,
      scalar,
    );
    expect(() => step.toDot({ gradient: true })).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_DIFFERENTIABLE' }),
    );
  });
});
