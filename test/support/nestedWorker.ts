import { parentPort } from 'node:worker_threads';
import * as sn from '../../lib/index.ts';
import { nested } from './nested.ts';

/** Does all that walks through the layers of a network of 64 levels. */
async function walk(): Promise<void> {
  const net = sn.sequential({ inputShape: [4], layers: [nested(64)], backend: 'reference' });
  const x = sn.randomNormal([3, 4], { seed: 1 });
  await net.predict(x);
  net.summary();
  net.graph().toMermaid();
  net.graph().toDot();
}

walk().then(
  () => parentPort?.postMessage('done'),
  (error: unknown) => parentPort?.postMessage(String(error)),
);
