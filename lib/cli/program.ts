import { Command, type CommanderError, Option } from 'commander';
import { version } from '../version.ts';
import { bench } from './commands/bench.ts';
import { build } from './commands/build.ts';
import { check } from './commands/check.ts';
import type { Command as Run } from './commands/common.ts';
import { evaluate } from './commands/eval.ts';
import { graph } from './commands/graph.ts';
import { info } from './commands/info.ts';
import { predict } from './commands/predict.ts';
import { summary } from './commands/summary.ts';
import { train } from './commands/train.ts';
import { abortOnInterrupt, UsageError } from './process.ts';
import { longFlag, readSettings } from './readSettings.ts';
import { type CommandName, type Field, fields, type Key, keys } from './settings.ts';
import { specOf } from './spec.ts';

/** What a command is called, does and shows. */
interface Definition {
  readonly name: CommandName;
  readonly about: string;
  readonly run: Run;
  /** The arguments: a model that is needed, or may be named by a configuration; and files. */
  readonly takes: '' | '<model>' | '[model]' | '<model> <files...>';
  readonly examples: readonly string[];
}

const definitions: readonly Definition[] = [
  {
    name: 'train',
    about: 'train a network and save it',
    run: train,
    takes: '',
    examples: [
      'stridenet train --data mnist --model lenet5 --epochs 5 --out lenet5.safetensors',
      'stridenet train --config train.json --seed 7',
      'stridenet train --data photos:size=64 --model resnet18:stem=small,width=16 --epochs 30 \\\n    --optimizer adamW:weightDecay=0.05 --schedule cosine --augment flipHorizontal \\\n    --augment padCrop:padding=4 --validation-split 0.1 --patience 5',
      'stridenet train --config train.json --checkpoint run-7 --resume',
    ],
  },
  {
    name: 'eval',
    about: 'loss, accuracy and metrics of a saved network',
    run: evaluate,
    takes: '<model>',
    examples: [
      'stridenet eval lenet5.safetensors --data mnist --metric f1 --metric confusionMatrix',
      'stridenet eval flowers.safetensors --data photos/test --json',
    ],
  },
  {
    name: 'predict',
    about: 'what a saved network takes images or arrays for',
    run: predict,
    takes: '<model> <files...>',
    examples: [
      'stridenet predict flowers.safetensors rose.jpg tulip.png --top 3',
      'stridenet predict lenet5.safetensors digits.npy --json',
    ],
  },
  {
    name: 'summary',
    about: 'layers of a network, with shapes, parameters and costs',
    run: summary,
    takes: '[model]',
    examples: [
      'stridenet summary lenet5.safetensors',
      'stridenet summary resnet18 --input-shape 3,64,64 --classes 10',
    ],
  },
  {
    name: 'graph',
    about: 'draw the graph of a network',
    run: graph,
    takes: '[model]',
    examples: [
      'stridenet graph lenet5 --out lenet5.svg',
      'stridenet graph lenet5 --loss softmaxCrossEntropy --gradient --out step.dot',
    ],
  },
  {
    name: 'check',
    about: 'gradients against differences, native code against the reference',
    run: check,
    takes: '[model]',
    examples: ['stridenet check lenet5.safetensors', 'stridenet check --config train.json'],
  },
  {
    name: 'bench',
    about: 'samples a second of a network in prediction and training',
    run: bench,
    takes: '[model]',
    examples: ['stridenet bench lenet5 --batch-sizes 1,64,512 --seconds 3 --threads 2'],
  },
];

/** What stands for the value of a flag in help. */
const placeholders: Readonly<Record<string, string>> = {
  integer: 'n',
  number: 'x',
  kind: 'kind',
  'list of kinds': 'kind',
  'list of names': 'names',
  'list of integers': 'sizes',
  'numbers by name': 'name=x',
  text: 'name',
  'path or true': 'path',
};

function optionOf({ flag, type, about, otherwise }: Field<unknown>): Option {
  const { takes, name } = type;
  const word = placeholders[name] ?? (name.startsWith("'") ? 'word' : 'path');
  const value = takes === 'none' ? '' : takes === 'optional' ? ` [${word}]` : ` <${word}>`;
  const choices = name.startsWith("'") ? `: ${name.replaceAll("'", '')}` : '';
  const usual = otherwise === '' || otherwise === 'false' ? '' : ` (default: ${otherwise})`;
  const option = new Option(`${flag}${value}`, `${about}${choices}${usual}`);
  if (takes === 'none' || takes === 'optional') return option;
  return option.argParser((text: string, before: readonly string[] = []) => {
    // What stands behind a flag is its value to commander, another flag too.
    if (/^--\w/.test(text))
      throw new UsageError(`${longFlag({ flag })} needs a value before ${text}`);
    return [...before, text];
  });
}

/** The flag that takes back one that is on unless it is given: '--no-restore-best'. */
function oppositeOf(key: Key): Option | null {
  const { flag, type, otherwise } = fields[key];
  const long = flag.split('--').at(-1) as string;
  if (key === 'out') return new Option(`--no-${long}`, 'keep no model');
  const on = type.takes === 'none' && otherwise === 'true';
  return on ? new Option(`--no-${long}`, 'not so') : null;
}

/** Adds the flags of a command; gives their keys by the names that commander has for them. */
function addFlags(command: Command, name: CommandName): Map<string, Key> {
  const attributes = new Map<string, Key>();
  for (const key of keys.filter((each) => fields[each].commands.some((one) => one === name))) {
    const option = optionOf(fields[key]);
    command.addOption(option);
    attributes.set(option.attributeName(), key);
    const opposite = name === 'train' ? oppositeOf(key) : null;
    if (opposite !== null) command.addOption(opposite);
  }
  return attributes;
}

/** The flags that somebody gave, by key. */
function givenFlags(command: Command, attributes: ReadonlyMap<string, Key>): Map<Key, unknown> {
  const found = new Map<Key, unknown>();
  for (const [attribute, key] of attributes) {
    if (command.getOptionValueSource(attribute) !== 'cli') continue;
    found.set(key, command.getOptionValue(attribute));
  }
  return found;
}

function addCommand(
  program: Command,
  { name, about, run, takes, examples }: Definition,
  done: (code: number) => void,
): void {
  const command = program.command(takes === '' ? name : `${name} ${takes}`).description(about);
  command.option('--config <path>', 'a JSON file of settings (docs/cli.md); flags count more');
  const attributes = addFlags(command, name);
  command.option('--debug', 'show where an error comes from');
  command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
  command.action(async () => {
    const [model, ...files] = command.processedArgs.flat() as (string | undefined)[];
    const given = givenFlags(command, attributes);
    const settings = await readSettings(command.opts().config, given);
    const from = new Map(settings.from);
    if (model !== undefined) from.set('model', '<model>');
    const chosen =
      model === undefined ? {} : { model: specOf(model) ?? { kind: model, options: {} } };
    const context = { files: files as string[], interrupted: abortOnInterrupt };
    done(await run({ ...settings, ...chosen, from }, context));
  });
}

/** The commands without a model: about the machine and the addon. */
function addMachineCommands(program: Command, done: (code: number) => void): void {
  const machine = program
    .command('info')
    .description('CPU, instruction set, threads, addon, version');
  machine.option('--json', 'results as JSON').option('--debug', 'show where an error comes from');
  machine.addHelpText('after', '\nExamples:\n  stridenet info --json');
  machine.action(async () => {
    const context = { files: [], interrupted: abortOnInterrupt };
    const json = machine.opts().json === true;
    done(await info({ ...(json ? { json } : {}), from: new Map() }, context));
  });
  const builder = program
    .command('build')
    .description('compile the addon here, where no prebuilt one fits');
  builder.option('--jobs <n>', 'compilers at a time (default: all CPUs)');
  builder.option('--debug', 'show where an error comes from');
  builder.addHelpText(
    'after',
    '\nNeeds a C++20 compiler (GCC 11, Clang 14 or newer), make and Python 3.\n\nExamples:\n  npx stridenet build\n  stridenet build --jobs 1',
  );
  builder.action(async () => done(await build(builder.opts())));
}

/**
 * The program `stridenet`.
 * @param done is told the exit code of the command that ran
 */
export function makeProgram(done: (code: number) => void): Command {
  const program = new Command('stridenet');
  program
    .description('Train and run convolutional networks on CPUs.')
    .version(version, '-V, --version')
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  for (const definition of definitions) addCommand(program, definition, done);
  addMachineCommands(program, done);
  program.addHelpText(
    'after',
    '\nExamples:\n  stridenet train --data mnist --model lenet5 --epochs 5 --out lenet5.safetensors\n  stridenet predict lenet5.safetensors digit.png --top 3\n  stridenet train --help',
  );
  return program;
}

/** Whether commander ended the program to show help or the version, which somebody asked for. */
export function isHelp({ code, exitCode }: CommanderError): boolean {
  const asked = code === 'commander.help' && exitCode === 0;
  return asked || ['commander.helpDisplayed', 'commander.version'].includes(code);
}
