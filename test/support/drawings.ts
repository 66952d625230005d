import { instance } from '@viz-js/viz';
import DOMPurify from 'dompurify';
import type { Graph, GraphVariable } from '../../lib/graph/graph.ts';

/** A drawing as a parser of its language reads it. */
export interface ReadDrawing {
  /** The lines of each node's label, by its id. */
  readonly nodes: ReadonlyMap<string, readonly string[]>;
  /** 'n0 n3', sorted. */
  readonly edges: readonly string[];
  readonly edgeLabels: readonly string[];
  /** The labels of the frames around each node, outermost first. */
  readonly frames: ReadonlyMap<string, readonly string[]>;
}

interface Frame {
  readonly id: string;
  readonly label: string;
  /** Ids of nodes and of frames within. */
  readonly members: readonly string[];
}

function framesOf(frames: readonly Frame[], nodes: Iterable<string>): Map<string, string[]> {
  const around = (id: string): string[] => {
    const outer = frames.filter(({ members }) => members.includes(id));
    if (outer.length > 1) throw new Error(`${id} is in ${outer.length} frames side by side`);
    return outer[0] === undefined ? [] : [...around(outer[0].id), outer[0].label];
  };
  return new Map([...nodes].map((id) => [id, around(id)]));
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

/** Text with the entities of XML as what they stand for. */
export function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, number, name) =>
    number ? String.fromCodePoint(Number(number)) : (entities[name] ?? whole),
  );
}

/** The lines of a label of Graphviz that is like HTML, without its tags. */
function linesOf(label: string): string[] {
  return label.split(/<BR\/>/).map((line) => unescapeXml(line.replace(/<[^>]*>/g, '')));
}

// Its cleaning of labels needs a browser; it is asked for nothing but the grammar here.
Object.assign(DOMPurify, { addHook: () => undefined, sanitize: (text: string) => text });
const { default: mermaid } = await import('mermaid');
mermaid.initialize({ maxEdges: 100_000, maxTextSize: 10_000_000 });

interface FlowDatabase {
  getVertices(): Map<string, { text: string }>;
  getEdges(): { start: string; end: string; text: string }[];
  getSubGraphs(): { id: string; title: string; nodes: string[] }[];
}

/** Codes as Mermaid keeps them until it draws. */
function decodeMermaid(text: string): string {
  return text.replace(/ﬂ°°(\d+)¶ß/g, (_, number) => String.fromCodePoint(Number(number)));
}

/** Mermaid's own reading of a flowchart. Throws where it is none. */
export async function readMermaid(text: string): Promise<ReadDrawing> {
  const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
  const database = diagram.db as unknown as FlowDatabase;
  const plain = (label: string): string =>
    decodeMermaid(label.replace(/<\/?b>/g, '').replaceAll('<br/>', '\n'));
  const nodes = new Map(
    [...database.getVertices()].map(([id, vertex]) => [id, vertex.text.split('<br/>').map(plain)]),
  );
  const edges = database.getEdges();
  const frames = database
    .getSubGraphs()
    .map(({ id, title, nodes: members }) => ({ id, label: plain(title), members }));
  const within = new Set(frames.map(({ id }) => id));
  for (const id of within) nodes.delete(id);
  return {
    nodes,
    edges: edges.map(({ start, end }) => `${start} ${end}`).sort(),
    edgeLabels: edges.map(({ text: label }) => plain(label)).filter((label) => label !== ''),
    frames: framesOf(frames, nodes.keys()),
  };
}

interface DotGraph {
  readonly objects?: readonly {
    readonly _gvid: number;
    readonly name: string;
    readonly label: string;
    readonly nodes?: readonly number[];
    readonly subgraphs?: readonly number[];
  }[];
  readonly edges?: readonly {
    readonly tail: number;
    readonly head: number;
    readonly dir?: string;
    readonly label?: string;
  }[];
}

const viz = await instance();

/** Graphviz's own reading. Throws where it finds a mistake, in labels too. */
export function readDot(text: string): ReadDrawing {
  const result = viz.render(text, { format: 'dot_json', engine: 'osage' });
  // Estimates of the widths of signs that it does not know are no mistakes.
  const mistakes = result.errors.filter(({ message }) => !message.includes('width of non-ASCII'));
  if (mistakes.length > 0 || result.status !== 'success') throw new Error(JSON.stringify(mistakes));
  const { objects = [], edges = [] } = JSON.parse(result.output) as DotGraph;
  const byId = new Map(objects.map((object) => [object._gvid, object]));
  const nameOf = (id: number): string => byId.get(id)?.name as string;
  const clusters = objects.filter(({ name }) => name.startsWith('cluster_'));
  const frames = clusters.map(({ name, label, nodes = [], subgraphs = [] }): Frame => {
    const inner = subgraphs.filter((id) => nameOf(id).startsWith('cluster_'));
    // Graphviz lists what is in an inner frame as in the outer one, too.
    const deeper = new Set(inner.flatMap((id) => byId.get(id)?.nodes ?? []));
    const own = nodes.filter((id) => !deeper.has(id));
    return { id: name, label: linesOf(label).join('\n'), members: [...own, ...inner].map(nameOf) };
  });
  const nodes = objects.filter(({ name }) => /^n\d+$/.test(name));
  return {
    nodes: new Map(nodes.map(({ name, label }) => [name, linesOf(label)])),
    edges: edges
      .map(({ tail, head, dir }) => (dir === 'back' ? [head, tail] : [tail, head]))
      .map((ends) => ends.map(nameOf).join(' '))
      .sort(),
    edgeLabels: edges.flatMap(({ label }) => (label ? linesOf(label).join('\n') : [])),
    frames: framesOf(
      frames,
      nodes.map(({ name }) => name),
    ),
  };
}

/** What a drawing must have, by the graph alone: nodes, arrows, and frames of operators. */
export function expectedOf(graph: Graph): {
  count: number;
  edges: string[];
  scopes: Map<string, string[]>;
} {
  const ids = new Map<GraphVariable, string>();
  let count = 0;
  const next = (): string => `n${count++}`;
  const used = new Set([
    ...graph.nodes.flatMap(({ inputs }) => inputs),
    ...graph.outputs,
    ...graph.updates.map(({ value }) => value),
  ]);
  for (const { variable } of graph.inputs) ids.set(variable, next());
  for (const variable of graph.constants.keys()) if (used.has(variable)) ids.set(variable, next());
  const edges: string[] = [];
  const scopes = new Map<string, string[]>();
  for (const { inputs, outputs, scope } of graph.nodes) {
    const id = next();
    scopes.set(id, scope === '' ? [] : scope.split('/'));
    for (const output of outputs) ids.set(output, id);
    for (const input of inputs) if (input !== null) edges.push(`${ids.get(input)} ${id}`);
  }
  for (const value of [...graph.outputs, ...graph.updates.map((update) => update.value)]) {
    edges.push(`${ids.get(value)} ${next()}`);
  }
  return { count, edges: edges.sort(), scopes };
}

/** The texts of an SVG picture. Throws unless it is well-formed XML. */
export function readSvg(svg: string): string[] {
  const texts: string[] = [];
  const open: string[] = [];
  const tokens = svg.matchAll(
    /<!--(?:(?!--)[\s\S])*-->|<\/([\w:]+)>|<([\w:]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)|</g,
  );
  for (const [token, closed, opened, attributes = '', empty, text] of tokens) {
    if (token === '<') throw new Error('a < that begins nothing');
    if (/&(?!(?:amp|lt|gt|quot|apos|#\d+);)/.test(`${attributes}${text ?? ''}`)) {
      throw new Error(`an & that begins no entity in ${token}`);
    }
    if (closed !== undefined && open.pop() !== closed) throw new Error(`${token} out of place`);
    if (opened !== undefined && empty === '') open.push(opened);
    if (text !== undefined && open.at(-1) === 'text') texts.push(unescapeXml(text));
  }
  if (open.length > 0) throw new Error(`${open.join(', ')} left open`);
  return texts;
}
