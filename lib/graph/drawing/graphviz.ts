import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { StridenetError } from '../../errors.ts';

/** What the worker answers. */
type Answer = { readonly svg: string } | { readonly failure: string };

/** The program of the worker: `workerData` names the module of Graphviz and holds the graph. */
const program = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData.module)
    .then(({ instance }) => instance())
    .then((graphviz) => ({ svg: graphviz.renderString(workerData.dot, { format: 'svg' }) }))
    .catch((error) => ({ failure: String(error?.message ?? error) }))
    .then((answer) => parentPort.postMessage(answer));
`;

/** Where @viz-js/viz is; throws when it is not installed. */
function locateGraphviz(): string {
  return createRequire(import.meta.url).resolve('@viz-js/viz');
}

function answerOf(module: string, dot: string): Promise<Answer> {
  return new Promise((resolve) => {
    const workerData = { module: pathToFileURL(module).href, dot };
    const worker = new Worker(program, { eval: true, workerData, execArgv: [] });
    worker.once('message', resolve);
    worker.once('error', (error) => resolve({ failure: error.message }));
    worker.once('exit', (code) => resolve({ failure: `its thread ended with ${code}` }));
  });
}

/**
 * The SVG that Graphviz makes of a graph in its language, on a thread of its own: large graphs take
 * it minutes.
 *
 * @throws ERR_PACKAGE_NOT_FOUND when Graphviz is not installed; ERR_LAYOUT when it fails
 */
export async function layOut(dot: string, locate: () => string = locateGraphviz): Promise<string> {
  let module: string;
  try {
    module = locate();
  } catch (cause) {
    throw new StridenetError(
      'ERR_PACKAGE_NOT_FOUND',
      '[toSvg] needs the package @viz-js/viz, which is not installed: npm install @viz-js/viz',
      { cause },
    );
  }
  const answer = await answerOf(module, dot);
  if ('svg' in answer) return answer.svg;
  throw new StridenetError(
    'ERR_LAYOUT',
    `[toSvg] Graphviz could not lay the graph out (${answer.failure}); toDot gives its text for other tools`,
  );
}
