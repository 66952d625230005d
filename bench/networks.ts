import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';

/** A network that is measured; bench/peers builds the same one by the same name. */
export interface Subject {
  readonly build: (settings: sn.models.ClassifierOptions) => sn.Network;
  /** (C, H, W) of one image of bytes. */
  readonly inputShape: readonly [number, number, number];
  readonly classes: number;
  /** Images a training step. */
  readonly batch: number;
  readonly optimizer: () => sn.Optimizer;
}

const { layers, models, optimizers } = sn;

/** 3x3 convolutions 32-32-pool-64-64-pool, dense 128, 10. */
function convolutions(settings: sn.models.ClassifierOptions): sn.Network {
  const convolution = (filters: number): sn.Layer =>
    layers.conv2d({ filters, kernelSize: 3, padding: 'same', activation: 'relu' });
  return sn.sequential({
    ...settings,
    inputShape: [1, 28, 28],
    layers: [
      convolution(32),
      convolution(32),
      layers.maxPool2d({ kernelSize: 2 }),
      convolution(64),
      convolution(64),
      layers.maxPool2d({ kernelSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 128, activation: 'relu' }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
}

const adam = (): sn.Optimizer => optimizers.adam(1e-3);
const sgd = (): sn.Optimizer => optimizers.sgd({ learningRate: 0.01, momentum: 0.9 });
const small = { inputShape: [1, 28, 28], classes: 10, optimizer: adam } as const;
const large = { inputShape: [3, 224, 224], classes: 1000, optimizer: sgd } as const;

/** The networks of the suites `train`, `infer`, `memory`, `scaling` and `profile`. */
export const subjects: Readonly<Record<string, Subject>> = {
  mnist: { ...small, build: (settings) => models.mnist(settings), batch: 1000 },
  lenet5: { ...small, build: (settings) => models.lenet5(settings), batch: 64 },
  convolutions: { ...small, build: convolutions, batch: 128 },
  'resnet18-32': {
    build: (settings) => models.resnet18({ ...settings, stem: 'small', classes: 10 }),
    inputShape: [3, 32, 32],
    classes: 10,
    batch: 64,
    optimizer: sgd,
  },
  resnet18: { ...large, build: (settings) => models.resnet18(settings), batch: 8 },
  resnet50: { ...large, build: (settings) => models.resnet50(settings), batch: 4 },
  mobilenetV2: { ...large, build: (settings) => models.mobilenetV2(settings), batch: 8 },
  vgg16: { ...large, build: (settings) => models.vgg16(settings), batch: 2 },
  alexnet: { ...large, build: (settings) => models.alexnet(settings), batch: 16 },
};

/**
 * The network of that name, for square images of another size where one is given.
 * @throws for a name that is none
 */
export function subjectOf(name: string, size?: number): Subject {
  const subject = subjects[name];
  if (subject === undefined) throw new Error(`no network is named ${name}`);
  if (size === undefined) return subject;
  const inputShape = [subject.inputShape[0], size, size] as const;
  return {
    ...subject,
    inputShape,
    build: (settings) => subject.build({ ...settings, inputShape }),
  };
}

/** Random images and labels for a network. */
export function images(samples: number, { inputShape, classes }: Subject): sn.Samples {
  const random = new Generator(2);
  const x = sn.zeros([samples, ...inputShape], 'uint8');
  const y = sn.zeros([samples], 'int32');
  for (let i = 0; i < x.size; i++) x.data[i] = random.integer(256);
  for (let i = 0; i < samples; i++) y.data[i] = random.integer(classes);
  return { x, y };
}
