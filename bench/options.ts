import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Level } from './layers.ts';
import { subjects } from './networks.ts';

/** How long and on how many threads. */
export interface SuiteOptions {
  readonly threads: number;
  readonly seconds: number;
}

/** Those measured unless others are named; `profile` only when it is named. */
export const suites = [
  ...['gemm', 'conv', 'train', 'infer', 'memory', 'scaling'],
  ...['operators', 'reference', 'checkpoint', 'augmentation', 'serving'],
] as const;

/** What the command line says. */
export interface Options {
  readonly threads: number;
  /** For each library in each row; null: each suite's own. */
  readonly seconds: number | null;
  readonly level: Level;
  readonly suites: readonly string[];
  /** Parts of the names of peers; all when empty; null: none. */
  readonly peers: readonly string[] | null;
  /** Only rows whose title has it. */
  readonly only: string;
  readonly json: string | null;
  readonly markdown: string | null;
  /** Results to show again instead of measuring. */
  readonly from: string | null;
  readonly network: string;
  /** What is profiled: 'train' or 'infer'. */
  readonly mode: string;
  readonly batch?: number;
  readonly isa?: string;
  /** Whether stridenet with `winograd: true` is measured too; of a profile, alone. */
  readonly winograd: boolean;
}

const usage = `npm run bench -- [--suite NAMES] [--quick | --all] [options]
  --suite NAMES   of ${suites.join(', ')};
                  default: all these. Or profile: the instructions of training steps or of inference
  --quick, --all  fewer rows for less time (2 minutes), or every row there is
  --only TEXT     only rows whose title has this
  --threads N     threads of stridenet and its peers; default: all
  --seconds S     time for each library in each row; default: the suite's own
  --no-peers      stridenet alone
  --peers NAMES   only peers whose names have one of these: tuned,onnx
  --isa NAME      stridenet's instruction set; default: the best
  --winograd      stridenet with winograd: true as one more column; the profile of that
  --json FILE     write what was measured
  --markdown FILE write the tables: between the marks of a file that has them, else as a new file
  --from FILE     take the results of a --json instead of measuring
  --network NAME, --batch N, --mode train|infer
                  of profile: ${Object.keys(subjects).join(', ')}; default: mnist, its own batch (of inference 1), train
STRIDENET_PYTHON lists Python interpreters, parted by colons, whose PyTorch are peers.`;

const flag = { type: 'boolean', default: false } as const;
const text = { type: 'string' } as const;

function fail(reason: string): never {
  console.error(`${reason}\n\n${usage}`);
  process.exit(2);
}

function positive(name: string, value: string, isInteger: boolean): number {
  const number = Number(value);
  if (!(number > 0) || (isInteger && !Number.isInteger(number))) {
    fail(`--${name} takes a positive ${isInteger ? 'integer' : 'number'}, not ${value}`);
  }
  return number;
}

function list(value: string): string[] {
  return value.split(',').filter((each) => each !== '');
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ suite: text, only: text, threads: text, seconds: text, peers: text, isa: text },
        ...{ json: text, markdown: text, from: text, batch: text },
        network: { type: 'string', default: 'mnist' },
        mode: { type: 'string', default: 'train' },
        ...{ quick: flag, all: flag, 'no-peers': flag, winograd: flag, help: flag },
      },
    }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

/** Reads the arguments; prints the usage and ends the process for --help and for wrong ones. */
export function parseOptions(args: readonly string[]): Options {
  const values = parse(args);
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const chosen = values.suite === undefined ? [...suites] : list(values.suite);
  const unknown = chosen.find((each) => each !== 'profile' && !suites.includes(each as never));
  if (unknown !== undefined) fail(`no suite is named ${unknown}`);
  if (!(values.network in subjects)) fail(`no network is named ${values.network}`);
  if (!['train', 'infer'].includes(values.mode)) fail(`no mode is named ${values.mode}`);
  const { threads = String(availableParallelism()), seconds, batch, isa } = values;
  return {
    threads: positive('threads', threads, true),
    seconds: seconds === undefined ? null : positive('seconds', seconds, false),
    level: values.quick ? 0 : values.all ? 2 : 1,
    suites: chosen,
    peers: values['no-peers'] ? null : list(values.peers ?? ''),
    only: values.only ?? '',
    json: values.json ?? null,
    markdown: values.markdown ?? null,
    from: values.from ?? null,
    network: values.network,
    mode: values.mode,
    winograd: values.winograd,
    ...(batch === undefined ? {} : { batch: positive('batch', batch, true) }),
    ...(isa === undefined ? {} : { isa }),
  };
}
