import { formatNumber } from '../graph/drawing/labels.ts';
import type { Graph, GraphVariable } from '../graph/graph.ts';
import { nameValues } from '../graph/names.ts';
import { formatShape } from '../shape.ts';
import { describe, type Tensor } from '../tensor.ts';

const maxShown = 4;
const maxOrigin = 48;

/** A number to six significant digits, or a tensor's shape and first elements, in one line. */
export function formatValue({ shape, data, size }: Tensor): string {
  const shown = Array.from(data.slice(0, maxShown), (value) => formatNumber(value, 6));
  if (shape.length === 0) return shown.join();
  const more = size > maxShown ? ', …' : '';
  return `${formatShape(shape)} [${shown.join(', ')}${more}]`;
}

/** What each value is: 'mul(θ, x1)', 'input', 'state' or 'constant'. */
function origins(
  graph: Graph,
  names: ReadonlyMap<GraphVariable, string>,
): Map<GraphVariable, string> {
  const found = new Map<GraphVariable, string>();
  for (const { variable, role } of graph.inputs) {
    found.set(variable, role === 'feed' ? 'input' : role);
  }
  for (const variable of graph.constants.keys()) found.set(variable, 'constant');
  for (const { operator, inputs, outputs } of graph.nodes) {
    const operands = inputs.map((input) => (input === null ? '–' : names.get(input)));
    const call = `${operator.name}(${operands.join(', ')})`;
    const short = call.length > maxOrigin ? `${call.slice(0, maxOrigin - 2)}…)` : call;
    for (const output of outputs) found.set(output, short);
  }
  return found;
}

/** Cells as lines of text, the columns aligned. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, c) => Math.max(...rows.map((row) => row[c]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, c) => cell.padEnd(widths[c] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The table of a graph: every value with what it is, its dtype and shape, and its scope. */
export function formatGraph(graph: Graph): string {
  const names = nameValues(graph);
  const scopes = new Map(
    graph.nodes.flatMap(({ outputs, scope }) => outputs.map((output) => [output, scope] as const)),
  );
  const rows = [...origins(graph, names)].map(([variable, is]) => {
    const spec = `${describe(variable)}${variable.batched ? ', batched' : ''}`;
    return [names.get(variable) as string, is, spec, scopes.get(variable) ?? ''];
  });
  const scoped = rows.some(([, , , scope]) => scope !== '');
  const cells = [['node', 'is', 'gives', 'scope'], ...rows].map((row) =>
    scoped ? row : row.slice(0, 3),
  );
  const outputs = graph.outputs.map((output) => names.get(output)).join(', ');
  return `${table(cells)}\noutput: ${outputs}`;
}

/** The table of an evaluation: name, what it is, value and t, in the order of the visits. */
export function formatEvaluation(
  graph: Graph,
  evaluation: {
    readonly values: ReadonlyMap<GraphVariable, Tensor>;
    readonly adjoints: ReadonlyMap<GraphVariable, Tensor>;
    readonly order: readonly GraphVariable[];
  },
): string {
  const { values, adjoints, order } = evaluation;
  const names = nameValues(graph);
  const is = origins(graph, names);
  const others = [...values.keys()].filter((variable) => !adjoints.has(variable));
  const rows = [...order, ...others].map((variable) => {
    const t = adjoints.get(variable);
    return [
      names.get(variable) as string,
      is.get(variable) as string,
      formatValue(values.get(variable) as Tensor),
      t === undefined ? '' : formatValue(t),
    ];
  });
  return table([['node', 'is', 'value', 't'], ...rows]);
}
