import type { Graph, GraphVariable } from './graph.ts';

/** Gives names, each once: the second that asks for 'mul' gets 'mul_2'. */
export class UniqueNames {
  /** The number of the last that asked for each name; a name that was given is one too. */
  readonly #last = new Map<string, number>();

  /** `name`, or when it was given, the first of name_2, name_3, … that was not. */
  give(name: string): string {
    let number = this.#last.get(name) ?? 0;
    let unique = name;
    while (this.#last.has(unique)) unique = `${name}_${++number}`;
    this.#last.set(unique, 1);
    if (unique !== name) this.#last.set(name, number);
    return unique;
  }
}

/**
 * A name for every value of a graph, each once: an input's own ('x1', '0.weight'), 'constant', the
 * operator that makes it ('mul'), and for what an operator gives besides its first value
 * 'maxPool2d.winners'; the second of a name is called 'mul_2'.
 */
export function nameValues(graph: Graph): ReadonlyMap<GraphVariable, string> {
  const names = new Map<GraphVariable, string>();
  const unique = new UniqueNames();
  const give = (variable: GraphVariable, base: string): void => {
    names.set(variable, unique.give(base));
  };
  for (const { variable } of graph.inputs) give(variable, variable.name ?? 'input');
  for (const variable of graph.constants.keys()) give(variable, 'constant');
  for (const { operator, outputs } of graph.nodes) {
    outputs.forEach((variable, i) => {
      const result = operator.outputs[i]?.replace('?', '');
      give(variable, i === 0 ? operator.name : `${operator.name}.${result}`);
    });
  }
  return names;
}
