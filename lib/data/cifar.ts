import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { argumentError, checkOptions } from '../errors.ts';
import { allocate, Tensor } from '../tensor.ts';
import { checkFolder, chooseFolder, type Split } from './dataFolder.ts';
import { fileSize, formatError } from './files.ts';
import { checkMaxBytes } from './npy.ts';
import { openRegular, readInto } from './regularFile.ts';
import type { Samples } from './samples.ts';
import { MemoryLimit } from './tensorParser.ts';

/** Where CIFAR lies. */
export interface CifarOptions {
  /** The folder of its files, or the one around it. */
  path?: string | URL;
  /** The most bytes of images and labels, training and test each; default 4 GiB. */
  maxBytes?: number;
}

/** Where CIFAR-100 lies, and what of it is to be learned. */
export interface Cifar100Options extends CifarOptions {
  /** The 100 classes or the 20 groups of five that they are in; default 'fine'. */
  labels?: 'fine' | 'coarse';
}

const classes10 = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');

const classes100 =
  `apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge
bus butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab
crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree
orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit
raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel
streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip
turtle wardrobe whale willow_tree wolf woman worm`.split(/\s/);

const groups100 = `aquatic_mammals fish flowers food_containers fruit_and_vegetables
household_electrical_devices household_furniture insects large_carnivores
large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores
medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1
vehicles_2`.split(/\s/);

const side = 32;
const imageBytes = 3 * side * side;
/** Samples that are read at a time. */
const piece = 256;

/** One of the two sets: files of records, each some label bytes and an image, planes R, G, B. */
interface Format {
  readonly where: string;
  readonly train: readonly string[];
  readonly test: readonly string[];
  /** The folder that the files come in. */
  readonly folder: string;
  /** What the page of the data set calls the archive of it. */
  readonly archive: string;
  /** The classes that each of a record's label bytes counts, and which byte is wanted. */
  readonly classNames: readonly (readonly string[])[];
  readonly wanted: number;
}

function folderIn(path: string, { train, test, folder }: Format): string {
  const isHere = [...train, ...test].some((name) => existsSync(join(path, name)));
  return !isHere && existsSync(join(path, folder)) ? join(path, folder) : path;
}

/** The samples of a file, written into x and y from sample `first` on. */
async function readRecords(
  format: Format,
  file: string,
  records: number,
  into: { x: Uint8Array; y: Uint8Array; first: number },
): Promise<void> {
  const { where, classNames, wanted } = format;
  const width = classNames.length + imageBytes;
  const handle = await openRegular(where, file);
  try {
    const bytes = new Uint8Array(Math.min(piece, records) * width);
    for (let start = 0; start < records; start += piece) {
      const count = Math.min(piece, records - start);
      await readInto(where, file, handle, start * width, bytes.subarray(0, count * width));
      for (let i = 0; i < count; i++) {
        const [at, to] = [i * width, into.first + start + i];
        classNames.forEach((names, which) => {
          const label = bytes[at + which] as number;
          if (label < names.length) return;
          const reason = `label ${label} of sample ${start + i} is not within 0 to ${names.length - 1}`;
          throw formatError(where, file, start * width + at + which, reason);
        });
        into.y[to] = bytes[at + wanted] as number;
        const image = bytes.subarray(at + classNames.length, at + width);
        into.x.set(image, to * imageBytes);
      }
    }
  } finally {
    await handle.close();
  }
}

async function readPart(
  format: Format,
  folder: string,
  names: readonly string[],
  maxBytes: number,
): Promise<Samples> {
  const { where, classNames, wanted } = format;
  const width = classNames.length + imageBytes;
  const memory = new MemoryLimit(maxBytes);
  const files: { file: string; records: number }[] = [];
  for (const name of names) {
    const file = join(folder, name);
    const size = await fileSize(where, file);
    const records = Math.floor(size / width);
    if (records === 0 || records * width !== size) {
      const reason = `${size} bytes are not one or more samples of ${width} bytes`;
      throw formatError(where, file, records * width, reason);
    }
    memory.take(where, file, 0, records * (imageBytes + 1));
    files.push({ file, records });
  }
  const count = files.reduce((sum, { records }) => sum + records, 0);
  const x = allocate('uint8', count * imageBytes) as Uint8Array;
  const y = allocate('uint8', count) as Uint8Array;
  let first = 0;
  for (const { file, records } of files) {
    await readRecords(format, file, records, { x, y, first });
    first += records;
  }
  return {
    x: new Tensor(x, [count, 3, side, side], 'uint8'),
    y: new Tensor(y, [count], 'uint8'),
    classNames: classNames[wanted] as readonly string[],
  };
}

async function readSplit(
  format: Format,
  { path, maxBytes }: CifarOptions,
  variable: string,
): Promise<Split> {
  const { where, train, test } = format;
  const given = checkFolder(where, path);
  const limit = checkMaxBytes(where, maxBytes);
  const chosen = chooseFolder(where, {
    named: [
      ['path', given],
      [variable, process.env[variable]],
    ],
    usual: [],
    missing: (each) =>
      [...train, ...test].filter((name) => !existsSync(join(folderIn(each, format), name))),
    cure: `Cure: unpack "${format.archive}" of https://www.cs.toronto.edu/~kriz/cifar.html (its folder is ${format.folder}) and name its folder: the option path, or $${variable}.`,
  });
  const folder = folderIn(chosen, format);
  return {
    train: await readPart(format, folder, train, limit),
    test: await readPart(format, folder, test, limit),
  };
}

/**
 * CIFAR-10 (Krizhevsky): 50,000 small photographs in ten classes to train on and 10,000 to test
 * with, `x` uint8 (M, 3, 32, 32), `y` uint8 (M), of the files data_batch_1.bin to data_batch_5.bin
 * and test_batch.bin of its binary version. Looks in `path`, else in $STRIDENET_CIFAR10.
 *
 * @throws ERR_FILE_NOT_FOUND that says how to get it; ERR_FILE_FORMAT, with file, byte and reason, for
 *   files that are cut or have labels of no class; ERR_MEMORY above `maxBytes`
 */
export async function cifar10(options: CifarOptions = {}): Promise<Split> {
  const where = 'cifar10';
  checkOptions(where, options, ['path', 'maxBytes']);
  const format: Format = {
    where,
    train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
    test: ['test_batch.bin'],
    folder: 'cifar-10-batches-bin',
    archive: 'CIFAR-10 binary version',
    classNames: [classes10],
    wanted: 0,
  };
  return readSplit(format, options, 'STRIDENET_CIFAR10');
}

/**
 * CIFAR-100: as CIFAR-10, with 100 classes or the 20 groups of them, of the files train.bin and
 * test.bin of its binary version. Looks in `path`, else in $STRIDENET_CIFAR100.
 *
 * @throws as cifar10
 */
export async function cifar100(options: Cifar100Options = {}): Promise<Split> {
  const where = 'cifar100';
  checkOptions(where, options, ['path', 'maxBytes', 'labels']);
  const { labels = 'fine' } = options;
  if (labels !== 'fine' && labels !== 'coarse') {
    throw argumentError(where, "labels to be 'fine' or 'coarse'", labels);
  }
  const format: Format = {
    where,
    train: ['train.bin'],
    test: ['test.bin'],
    folder: 'cifar-100-binary',
    archive: 'CIFAR-100 binary version',
    classNames: [groups100, classes100],
    wanted: labels === 'fine' ? 1 : 0,
  };
  return readSplit(format, options, 'STRIDENET_CIFAR100');
}
