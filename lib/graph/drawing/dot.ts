import type { Cluster, Drawing, DrawnEdge, DrawnNode } from './drawing.ts';
import { escapeXml } from './escape.ts';
import { frameFill, lineColours, looks, middle } from './theme.ts';

/** One whose widths Graphviz knows: else text is wider than its box. */
const font = 'Arial';

const shapes: Readonly<Record<DrawnNode['kind'], string>> = {
  input: 'shape=ellipse, margin="0.04,0.02"',
  parameter: 'shape=box',
  constant: 'shape=box, style="filled,dotted"',
  operator: 'shape=box, style="filled,rounded"',
  view: 'shape=box, style="filled,rounded,dashed"',
  gradient: 'shape=box, style="filled,rounded"',
  output: 'shape=ellipse, peripheries=2, margin="0.06,0.02"',
  update: 'shape=box, style="filled,dashed"',
};

function text(content: string, colour: string, size: number): string {
  return `<FONT COLOR="${colour}" POINT-SIZE="${size}">${escapeXml(content, '<BR/>')}</FONT>`;
}

function nodeLine({ id, kind, title, lines }: DrawnNode): string {
  const { fill, stroke, text: colour } = looks[kind];
  const rows = [
    `<B>${text(title, colour, 13)}</B>`,
    ...lines.map(({ role, text: content }) => text(content, lineColours[role], 10)),
  ];
  const look = `${shapes[kind]}, fillcolor="${fill}", color="${stroke}"`;
  return `${id} [label=<${rows.join('<BR/>')}>, ${look}]`;
}

/**
 * From top to bottom room at its right makes the frame so wide that edges, which enter in the middle,
 * pass by the title.
 */
function frameTitle(label: string, direction: Drawing['direction']): string {
  const title = text(label, middle, 11);
  if (direction === 'LR') return title;
  const room = label.length * 6 + 6;
  const cells = `<TD>${title}</TD><TD WIDTH="${room}"></TD>`;
  return `<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>${cells}</TR></TABLE>`;
}

/** What stands beside each node: to the left of it, or above, and to the right, or below. */
interface Beside {
  readonly before: string[];
  readonly behind: string[];
}

function placeBeside(edges: readonly DrawnEdge[]): Map<string, Beside> {
  const places = new Map<string, Beside>();
  for (const { from, to, kind } of edges) {
    if (kind !== 'side') continue;
    const place = places.get(to) ?? { before: [], behind: [] };
    if (place.before.length > place.behind.length) place.behind.push(from);
    else place.before.push(from);
    places.set(to, place);
  }
  return places;
}

function clusterLines(
  cluster: Cluster,
  places: ReadonlyMap<string, Beside>,
  direction: Drawing['direction'],
): string[] {
  const rows = cluster.nodes.flatMap(({ id }) => {
    const place = places.get(id);
    if (place === undefined) return [];
    return [`{ rank=same; ${[...place.before, id, ...place.behind].join('; ')} }`];
  });
  const inside = [
    ...cluster.nodes.map(nodeLine),
    ...cluster.clusters.flatMap((inner) => [
      `subgraph cluster_${inner.id} {`,
      `  margin=10; label=<${frameTitle(inner.label, direction)}>`,
      ...clusterLines(inner, places, direction),
      '}',
    ]),
    ...rows,
  ];
  return inside.map((line) => `  ${line}`);
}

/**
 * Graphviz puts the tail of an edge within a row before its head; for an operand that stands behind
 * its reader the edge is told the other way round and has its arrow at the tail.
 */
function edgeLine(
  { from, to, label, kind }: DrawnEdge,
  places: ReadonlyMap<string, Beside>,
): string {
  const behind = kind === 'side' && places.get(to)?.behind.includes(from);
  const attributes = [
    ...(behind ? ['dir=back'] : []),
    // What flows from input to output goes straight.
    ...(kind === 'flow' ? ['weight=8'] : []),
    ...(kind === 'kept' ? ['style=dashed', 'penwidth=0.7'] : []),
    ...(label === '' ? [] : [`label=<${text(label, middle, 9)}>`]),
  ];
  const ends = behind ? `${to} -> ${from}` : `${from} -> ${to}`;
  return `  ${ends}${attributes.length === 0 ? '' : ` [${attributes.join(', ')}]`}`;
}

/** The drawing in Graphviz's language. */
export function writeDot({ direction, root, edges }: Drawing): string {
  const places = placeBeside(edges);
  return `${[
    'digraph {',
    `  graph [rankdir=${direction}, bgcolor="transparent", fontname="${font}", nodesep=0.3, ranksep=0.35]`,
    `  graph [style="filled,rounded", fillcolor="${frameFill}", color="${middle}", labeljust=l, pad=0.1]`,
    `  node [fontname="${font}", style=filled, penwidth=1.2, height=0.3, margin="0.14,0.06"]`,
    `  edge [fontname="${font}", color="${middle}", arrowsize=0.7]`,
    ...clusterLines(root, places, direction),
    ...edges.map((edge) => edgeLine(edge, places)),
    '}',
  ].join('\n')}\n`;
}
