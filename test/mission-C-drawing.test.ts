import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMermaid } from './support/drawings.ts';
import { drawnGraphs } from './support/drawnGraphs.ts';

describe('C3: graphs are drawn', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/drawing.md'), 'utf8');
  const blocks = [...page.matchAll(/```mermaid\n([\s\S]*?)```/g)].map(([, text]) => text);

  it.each(Object.entries(drawnGraphs))(
    'C3: the %s as in docs/drawing.md, else run test/support/writeDrawings.ts',
    async (name, { graph, options }) => {
      const file = (path: string): string =>
        readFileSync(join(import.meta.dirname, '..', path), 'utf8');
      expect(graph.toMermaid(options)).toBe(blocks[Object.keys(drawnGraphs).indexOf(name)]);
      expect(graph.toDot(options)).toBe(file(`test/golden/drawings/${name}.dot`));
      expect(await graph.toSvg(options)).toBe(file(`docs/pictures/${name}.svg`));
    },
  );

  it('C3: the function with its value and t at each node, each arrow an operand', async () => {
    const { graph, options } = drawnGraphs.function;
    const { nodes, edges } = await readMermaid(graph.toMermaid(options));
    const [x1, x2, theta] = [2, 0.5, 3];
    const u = theta * x1 + x2;
    const expected: readonly [string, value: number, t: number][] = [
      ['x1', x1, theta * Math.cos(u)],
      ['x2', x2, Math.cos(u) + 2 * theta * x2],
      ['θ', theta, x1 * Math.cos(u) + x2 ** 2],
      ['mul', theta * x1, Math.cos(u)],
      ['add', u, Math.cos(u)],
      ['sin', Math.sin(u), 1],
      ['square', x2 ** 2, theta],
      ['mul_2', theta * x2 ** 2, 1],
      ['add_2', Math.sin(u) + theta * x2 ** 2, 1],
    ];
    const short = (x: number): string => String(Number(x.toPrecision(4)));
    expect([...nodes.values()]).toEqual([
      ...expected.map(([name, value, t]) => [name, `value = ${short(value)}`, `t = ${short(t)}`]),
      ['output'],
    ]);
    expect(edges).toEqual(
      ['n0 n3', 'n1 n4', 'n1 n6', 'n2 n3', 'n2 n7', 'n3 n4']
        .concat(['n4 n5', 'n5 n8', 'n6 n7', 'n7 n8', 'n8 n9'])
        .sort(),
    );
  });

  it('C3: the networks with their layers as frames', async () => {
    const framesOf = async (name: 'dense' | 'convolution') => {
      const { nodes, frames } = await readMermaid(drawnGraphs[name].graph.toMermaid());
      const operators = [...nodes].filter(([id]) => frames.get(id)?.length === 1);
      return operators.map(([id, [title]]) => `${frames.get(id)?.[0]}: ${title}`);
    };
    const layer = (i: number) =>
      ['0.weight', '0.bias'].map((key) => `${i} (dense): ${i}${key.slice(1)}`);
    expect((await framesOf('dense')).sort()).toEqual(
      [...layer(0), ...layer(1), ...layer(2)]
        .concat([0, 1, 2].map((i) => `${i} (dense): linear`))
        .concat(['0 (dense): relu', '1 (dense): relu', '2 (dense): softmax'])
        .sort(),
    );
    const convolution = await framesOf('convolution');
    for (const operator of [
      '0 (conv1d): conv2d',
      '1 (maxPool1d): maxPool2d',
      '3 (dense): linear',
    ]) {
      expect(convolution).toContain(operator);
    }
  });
});
