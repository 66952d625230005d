import { describe, expect, it } from 'vitest';
import { renderSvg } from '../lib/graph/drawing/svg.ts';
import { small } from './support/networks.ts';

describe('drawings', () => {
  it('refuse options and directions that are none', () => {
    const graph = small().graph();
    for (const options of [{ colour: 1 }, { direction: 'RL' }, { clusters: 1 }, { values: {} }]) {
      for (const name of ['toMermaid', 'toDot'] as const) {
        expect(() => graph[name](options as never)).toThrow(
          expect.objectContaining({
            code: 'ERR_ARGUMENT',
            message: expect.stringContaining(`[${name}]`),
          }),
        );
      }
    }
  });

  it('are SVG by way of Graphviz', async () => {
    const svg = await small().graph().toSvg();
    expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\s*$/);
    for (const name of ['conv2d', '4.weight', '0 (conv2d)', '(1, 10)']) expect(svg).toContain(name);
  });

  it('say which package is missing, and how it is installed', async () => {
    const missing = () => Promise.reject(new Error("Cannot find package '@viz-js/viz'"));
    await expect(renderSvg('digraph {}', missing)).rejects.toMatchObject({
      code: 'ERR_PACKAGE_NOT_FOUND',
      message: expect.stringContaining('npm install @viz-js/viz'),
    });
  });
});
