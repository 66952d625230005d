import * as sn from '../../lib/index.ts';

const { add, mul, sin, square } = sn.ops;
const { conv1d, dense, flatten, maxPool1d } = sn.layers;

/** A graph that is drawn in the documentation. */
export interface DrawnGraph {
  readonly graph: sn.ComputationGraph;
  readonly options: sn.DrawingOptions;
}

function ofFunction(): DrawnGraph {
  const scalar = { shape: [], dtype: 'float64' } as const;
  const graph = sn
    .trace(
      (x1: sn.Variable, x2: sn.Variable, theta: sn.Variable) =>
        add(sin(add(mul(theta, x1), x2)), mul(theta, square(x2))),
      ...['x1', 'x2', 'θ'].map((name) => ({ ...scalar, name })),
    )
    .with({ backend: 'reference' });
  const at = [2, 0.5, 3].map((value) => sn.tensor(value, [], 'float64'));
  return { graph, options: { values: graph.evaluate(...at) } };
}

/** f(x1, x2, θ) = sin(θ·x1 + x2) + θ·x2² at (2, 0.5, 3), and two small networks. */
export const drawnGraphs: Readonly<Record<'function' | 'dense' | 'convolution', DrawnGraph>> = {
  function: ofFunction(),
  dense: {
    graph: sn
      .sequential({
        inputShape: [4],
        layers: [
          dense({ units: 16, activation: 'relu' }),
          dense({ units: 8, activation: 'relu' }),
          dense({ units: 3, activation: 'softmax' }),
        ],
      })
      .graph(),
    options: { direction: 'LR' },
  },
  convolution: {
    graph: sn
      .sequential({
        inputShape: [1, 8],
        layers: [
          conv1d({ filters: 2, kernelSize: 3, activation: 'relu' }),
          maxPool1d({ kernelSize: 2 }),
          flatten(),
          dense({ units: 2 }),
        ],
      })
      .graph(),
    options: {},
  },
};
