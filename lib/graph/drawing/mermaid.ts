import type { Cluster, Drawing, DrawnEdge, DrawnKind, DrawnNode } from './drawing.ts';
import { escapeMermaid } from './escape.ts';
import { frameFill, looks, middle } from './theme.ts';

/** What stands before and after the label of each kind of node: its shape. */
const brackets: Readonly<Record<DrawnKind, readonly [string, string]>> = {
  input: ['([', '])'],
  parameter: ['[', ']'],
  constant: ['[/', '/]'],
  operator: ['(', ')'],
  view: ['(', ')'],
  gradient: ['(', ')'],
  output: ['(((', ')))'],
  update: ['[', ']'],
};

const dashed: ReadonlySet<DrawnKind> = new Set(['constant', 'view', 'update']);

function nodeLine({ id, kind, title, lines }: DrawnNode): string {
  const [open, close] = brackets[kind];
  const rows = lines.map(({ text }) => escapeMermaid(text));
  const label = [`<b>${escapeMermaid(title)}</b>`, ...rows].join('<br/>');
  return `${id}${open}"${label}"${close}:::${kind}`;
}

function clusterLines(cluster: Cluster): string[] {
  const inside = [
    ...cluster.nodes.map(nodeLine),
    ...cluster.clusters.flatMap((inner) => [
      `subgraph ${inner.id}["${escapeMermaid(inner.label)}"]`,
      ...clusterLines(inner),
      'end',
    ]),
  ];
  return inside.map((line) => `  ${line}`);
}

function edgeLine({ from, to, label, kind }: DrawnEdge): string {
  const arrow = kind === 'kept' ? '-.->' : '-->';
  return `  ${from} ${arrow}${label === '' ? '' : `|"${escapeMermaid(label)}"|`} ${to}`;
}

function kindsOf({ nodes, clusters }: Cluster): DrawnKind[] {
  return [...nodes.map(({ kind }) => kind), ...clusters.flatMap(kindsOf)];
}

function idsOf({ clusters }: Cluster): string[] {
  return clusters.flatMap((cluster) => [cluster.id, ...idsOf(cluster)]);
}

/** The drawing in Mermaid's language for flowcharts. */
export function writeMermaid({ direction, root, edges }: Drawing): string {
  const kinds = new Set(kindsOf(root));
  const frames = idsOf(root);
  const classes = (Object.keys(looks) as DrawnKind[])
    .filter((kind) => kinds.has(kind))
    .map((kind) => {
      const { fill, stroke, text } = looks[kind];
      const line = dashed.has(kind) ? ',stroke-dasharray:4 3' : '';
      return `  classDef ${kind} fill:${fill},stroke:${stroke},color:${text}${line}`;
    });
  return `${[
    `flowchart ${direction}`,
    ...clusterLines(root),
    ...edges.map(edgeLine),
    ...classes,
    ...(frames.length === 0
      ? []
      : [
          `  classDef layer fill:${frameFill},stroke:${middle}`,
          `  class ${frames.join(',')} layer`,
        ]),
  ].join('\n')}\n`;
}
