import {
  choice,
  integer,
  names,
  numbersByName,
  onOff,
  path,
  pathOrNone,
  pathOrTrue,
  real,
  sizes,
  spec,
  specs,
  type Type,
  text,
} from './types.ts';

/** The commands that take settings. */
export type CommandName = 'train' | 'eval' | 'predict' | 'summary' | 'graph' | 'check' | 'bench';

/** A setting: a key of configurations, and a flag. */
export interface Field<T> {
  /** As commander reads it, without the value: '--batch-size', '-o, --out'. */
  readonly flag: string;
  readonly type: Type<T>;
  readonly about: string;
  /** Said in help and in docs/cli.md; '' where there is none to say. */
  readonly otherwise: string;
  readonly commands: readonly CommandName[];
}

function field<T>(
  flag: string,
  type: Type<T>,
  about: string,
  commands: readonly CommandName[],
  otherwise = '',
): Field<T> {
  return { flag, type, about, otherwise, commands };
}

const train = ['train'] as const;
const scored = ['train', 'eval'] as const;
const shown = ['summary', 'graph', 'check', 'bench'] as const;
const modelled = ['train', ...shown] as const;
const all = ['train', 'eval', 'predict', ...shown] as const;

/** Every setting by its key in a configuration: there 'a.b' is b within the object a. */
export const fields = {
  data: field(
    '--data',
    spec,
    'mnist, fashion-mnist, cifar10, cifar100, a folder of images, a .npz file or a .csv list of images',
    ['train', 'eval', ...shown],
  ),
  limit: field('--limit', integer(1), 'the first so many samples only', scored, 'all'),
  part: field('--part', choice('train', 'test'), 'which part of the data', ['eval'], 'test'),
  model: field(
    '--model',
    spec,
    'a name of sn.models, a file that was saved, or an object with inputShape and layers',
    ['train'],
  ),
  inputShape: field(
    '--input-shape',
    sizes,
    'of one sample',
    modelled,
    "the data's, or the model's",
  ),
  classes: field(
    '--classes',
    integer(1),
    'how many classes',
    modelled,
    "the data's, or the model's",
  ),
  classNames: field(
    '--class-names',
    names,
    'names of the classes, in order',
    ['train', 'eval', 'predict'],
    "the data's, or the model's",
  ),
  weights: field('--weights', path, 'parameters to begin with', modelled),
  partialWeights: field(
    '--partial-weights',
    onOff,
    'those of the weights that fit, by name and shape',
    modelled,
    'false',
  ),
  dtype: field('--dtype', choice('float32', 'float64'), 'of the network', modelled, 'float32'),
  backend: field('--backend', choice('native', 'reference'), 'what computes', all, 'native'),
  winograd: field('--winograd', onOff, 'faster and less exact 3x3 convolutions', all, 'false'),
  threads: field('--threads', integer(1, 1024), 'compute threads', all, 'all'),
  seed: field('--seed', integer(0), 'of weights, order, dropout and augmentation', modelled, '0'),
  optimizer: field('--optimizer', spec, 'a name of sn.optimizers', train, 'adam'),
  learningRate: field('--learning-rate', real(0), 'of the optimizer', train, "the optimizer's"),
  schedule: field('--schedule', spec, 'of learning rates, a name of sn.schedules', train, 'none'),
  rates: field('--rate', numbersByName, 'factors of the rates of layers', train, '1'),
  augmentation: field('--augment', specs, 'changes of samples, of sn.augmentations', train, 'none'),
  loss: field(
    '--loss',
    spec,
    'a name of sn.losses',
    ['train', 'eval', 'graph'],
    'softmaxCrossEntropy',
  ),
  metrics: field('--metric', specs, 'what else is told, of sn.metrics', scored, 'none'),
  epochs: field('--epochs', integer(0), 'passes over the data', train, '1'),
  steps: field('--steps', integer(0), 'steps, instead of epochs', train),
  batchSize: field('--batch-size', integer(1), 'samples at a time', scored, '32; eval: 1000'),
  accumulate: field('--accumulate', integer(1), 'batches of a step', train, '1'),
  clipNorm: field('--clip-norm', real(0), 'most that the norm of the gradient may be', train),
  clipValue: field('--clip-value', real(0), 'most that a gradient may be', train),
  frozen: field('--frozen', names, 'layers or parameters that stay as they are', train, 'none'),
  'averaging.decay': field(
    '--average',
    real(0, { included: true, high: 1 }),
    'share that a step leaves of averages of the parameters',
    train,
    'no averages',
  ),
  'averaging.warmUp': field('--average-warm-up', onOff, 'less of it in first steps', train, 'true'),
  validationSplit: field(
    '--validation-split',
    real(0, { high: 1 }),
    'share of the data to validate with',
    train,
    'none',
  ),
  validationData: field(
    '--validation-data',
    spec,
    'data to validate with: test, the part of the data, or as --data',
    train,
    'none',
  ),
  'earlyStopping.patience': field(
    '--patience',
    integer(1),
    'epochs without an improvement that end training',
    train,
    'never; with other earlyStopping 10',
  ),
  'earlyStopping.monitor': field(
    '--monitor',
    text('the name of a number'),
    'what is to improve',
    train,
    'validation.loss',
  ),
  'earlyStopping.mode': field('--monitor-mode', choice('min', 'max'), 'which way', train),
  'earlyStopping.minDelta': field(
    '--min-delta',
    real(0, { included: true }),
    'improvements that do not count',
    train,
    '0',
  ),
  'earlyStopping.restoreBest': field(
    '--restore-best',
    onOff,
    'end with the best parameters',
    train,
    'true',
  ),
  'checkpoint.directory': field('--checkpoint', path, 'folder of checkpoints', train, 'none'),
  'checkpoint.everySteps': field('--checkpoint-steps', integer(1), 'one after so many', train),
  'checkpoint.everySeconds': field('--checkpoint-seconds', real(0), 'one after so many', train),
  'checkpoint.everyEpochs': field(
    '--checkpoint-epochs',
    integer(1),
    'one after so many',
    train,
    '1',
  ),
  'checkpoint.keep': field('--checkpoint-keep', integer(1), 'how many stay', train, '3'),
  'checkpoint.keepBest': field('--checkpoint-best', onOff, 'best.safetensors too', train, 'false'),
  resume: field(
    '--resume',
    pathOrTrue,
    'go on from the newest checkpoint of the folder, or from a file',
    train,
    'begin anew',
  ),
  out: field(
    '-o, --out',
    pathOrNone,
    'where the model or the drawing goes',
    ['train', 'graph'],
    'model.safetensors; graph: standard output',
  ),
  history: field('--history', path, 'a .csv or .jsonl file of the epochs', train, 'none'),
  progress: field(
    '--progress',
    choice('auto', 'bar', 'plain', 'none'),
    'how progress is shown',
    train,
    'auto',
  ),
  json: field('--json', onOff, 'results as JSON', ['eval', 'predict', ...shown], 'false'),
  top: field('--top', integer(1), 'classes of a sample that are told', ['predict'], '1'),
  scale: field(
    '--scale',
    real(Number.NEGATIVE_INFINITY),
    'factor of values',
    ['predict'],
    '1/255 for bytes, else 1',
  ),
  fit: field(
    '--fit',
    choice('cover', 'contain', 'fill'),
    "how images get the model's size",
    ['predict'],
    'cover',
  ),
  batch: field(
    '--batch',
    integer(1),
    'samples of the graph or check',
    ['graph', 'check'],
    '1; check: 4',
  ),
  training: field('--training', onOff, 'as in training', ['graph'], 'false'),
  gradient: field('--gradient', onOff, 'with what reverse mode adds', ['graph'], 'false'),
  direction: field('--direction', choice('TB', 'LR'), 'of the drawing', ['graph'], 'TB'),
  samples: field(
    '--samples',
    integer(1),
    'entries of each parameter that are tried',
    ['check'],
    '8',
  ),
  batchSizes: field('--batch-sizes', sizes, 'to measure at', ['bench'], '1, 32, 256'),
  seconds: field('--seconds', real(0), 'to measure for, each', ['bench'], '1'),
} as const;

export type Key = keyof typeof fields;

type ValueOf<F> = F extends Field<infer T> ? T : never;

/** Checked settings by key; those that nobody gave are not there. */
export type Values = { readonly [K in Key]?: ValueOf<(typeof fields)[K]> };

/** The same, and where each came from, for messages: '--epochs', 'train.json: epochs'. */
export interface Settings extends Values {
  readonly from: ReadonlyMap<Key, string>;
}

export const keys = Object.keys(fields) as readonly Key[];
