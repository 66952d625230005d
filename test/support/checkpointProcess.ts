// A process that trains with a checkpoint after every step. argv: the directory, and how many steps.
// Says the step of every checkpoint that has been written, or the error that ends it.
import * as sn from '../../lib/index.ts';
import { data, kept } from './interrupted.ts';

const [directory = '', steps = ''] = process.argv.slice(2);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
try {
  await kept({ threads: 1 }).fit(data, {
    ...{ steps: Number(steps), batchSize: 20, seed: 4, resume: true },
    optimizer: sn.optimizers.adam(1e-3),
    checkpoint: { directory, everySteps: 1, keep: 2 },
    callbacks: { onCheckpoint: ({ step }) => say(String(step)) },
  });
  say('end');
} catch (error) {
  const { code, message } = error as sn.StridenetError;
  say(`${code} ${message}`);
  process.exitCode = 3;
}
