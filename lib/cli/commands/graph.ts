import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type * as sn from '../../index.ts';
import { lossOf } from '../make.ts';
import { exitCodes, note, print, UsageError } from '../process.ts';
import { prepareSave } from '../save.ts';
import type { Settings } from '../settings.ts';
import { type Command, shownModel } from './common.ts';

type Graph = ReturnType<sn.Network['graph']>;
type Write = (graph: Graph, options: sn.DrawingOptions) => string | Promise<string>;

/** How the graph is written, by the ending of the file. */
const formats: Readonly<Record<string, Write>> = {
  '.svg': (graph, options) => graph.toSvg(options),
  '.mmd': (graph, options) => graph.toMermaid(options),
  '.md': (graph, options) => `\`\`\`mermaid\n${graph.toMermaid(options)}\`\`\`\n`,
  '.dot': (graph, options) => graph.toDot(options),
  '.json': (graph) => `${JSON.stringify(graph.toJSON(), null, 2)}\n`,
  '.txt': (graph) => `${graph.toString()}\n`,
};

function formatOf({ out, json }: Settings): Write {
  const ending = typeof out === 'string' ? extname(out) : json ? '.json' : '.mmd';
  const write = formats[ending];
  if (write !== undefined) return write;
  const known = Object.keys(formats).join(', ');
  throw new UsageError(`--out needs a file that ends in ${known}, not '${out}'`);
}

/** `stridenet graph`: the graph of a network as a picture or as text. */
export const graph: Command = async (settings) => {
  const { batch, training, out, gradient, direction } = settings;
  const write = formatOf(settings);
  const loss = lossOf(settings);
  const net = await shownModel(settings);
  if (typeof out === 'string') await prepareSave(out, '--out');
  const found = net.graph({
    ...(batch === undefined ? {} : { batch }),
    ...(training === undefined ? {} : { training }),
    ...(loss === undefined ? {} : { loss }),
  });
  const drawing = await write(found, {
    ...(gradient === undefined ? {} : { gradient }),
    ...(direction === undefined ? {} : { direction }),
  });
  if (typeof out !== 'string') {
    print(drawing.trimEnd());
    return exitCodes.done;
  }
  await writeFile(out, drawing);
  note(`wrote ${out}: ${found.nodes.length} operators`);
  return exitCodes.done;
};
