import type { ConvPart, ConvTask } from './tasks.ts';

/** How much is measured: 0 with --quick, 1 by default, 2 with --all. */
export type Level = 0 | 1 | 2;

/** A convolution as a network has it. */
interface ConvLayer {
  readonly network: string;
  readonly level: Level;
  readonly shape: Omit<ConvTask, 'kind' | 'part'>;
}

/** C, height, width, filters, filter's height and width; then what is not 1, 0, 1. */
type Sizes = readonly [number, number, number, number, number, number];
interface Further {
  readonly stride?: number;
  readonly padding?: number;
  readonly groups?: number;
  readonly level?: Level;
}

function layer(network: string, batch: number, sizes: Sizes, further: Further = {}): ConvLayer {
  const [c, h, w, filters, r, s] = sizes;
  const { stride = 1, padding = 0, groups = 1, level = 2 } = further;
  return {
    network,
    level,
    shape: {
      ...{ input: [batch, c, h, w], filters, kernelSize: [r, s], groups },
      ...{ stride: [stride, stride], padding: [padding, padding] },
    },
  };
}

/** Square images and filters that keep the image's size at stride 1. */
function square(
  network: string,
  batch: number,
  [c, size, filters, kernel]: readonly [number, number, number, number],
  further: Further = {},
): ConvLayer {
  const padding = (kernel - 1) / 2;
  return layer(network, batch, [c, size, size, filters, kernel, kernel], { padding, ...further });
}

function depthwise(c: number, size: number, further: Further = {}): ConvLayer {
  return square('MobileNetV2', 16, [c, size, c, 3], { groups: c, ...further });
}

const lenet = [
  square('LeNet-5', 64, [1, 28, 6, 5], { level: 1 }),
  square('LeNet-5', 64, [6, 14, 16, 5], { padding: 0, level: 0 }),
  square('LeNet-5', 1000, [1, 28, 6, 5]),
  square('LeNet-5', 1000, [6, 14, 16, 5], { padding: 0 }),
];

const mnist = [
  layer('MNIST', 1000, [1, 28, 28, 32, 3, 3], { level: 0 }),
  square('MNIST', 128, [32, 28, 32, 3]),
  square('MNIST', 128, [32, 14, 64, 3]),
  square('MNIST', 128, [64, 14, 64, 3]),
];

const alexnet = [
  layer('AlexNet', 16, [3, 227, 227, 96, 11, 11], { stride: 4, level: 1 }),
  square('AlexNet', 16, [96, 27, 256, 5], { groups: 2, level: 1 }),
  square('AlexNet', 16, [256, 13, 384, 3]),
  square('AlexNet', 16, [384, 13, 384, 3], { groups: 2 }),
  square('AlexNet', 16, [384, 13, 256, 3], { groups: 2 }),
];

const vgg = [
  square('VGG-16', 2, [3, 224, 64, 3], { level: 1 }),
  square('VGG-16', 2, [64, 224, 64, 3], { level: 1 }),
  square('VGG-16', 4, [64, 112, 128, 3]),
  square('VGG-16', 4, [128, 112, 128, 3]),
  square('VGG-16', 4, [128, 56, 256, 3]),
  square('VGG-16', 4, [256, 56, 256, 3]),
  square('VGG-16', 4, [256, 28, 512, 3]),
  square('VGG-16', 4, [512, 28, 512, 3]),
  square('VGG-16', 4, [512, 14, 512, 3], { level: 1 }),
];

const two = { stride: 2 } as const;
const resnet18 = [
  square('ResNet-18', 8, [3, 224, 64, 7], { ...two, level: 0 }),
  square('ResNet-18', 8, [64, 56, 64, 3], { level: 0 }),
  square('ResNet-18', 8, [64, 56, 128, 3], { ...two, level: 1 }),
  square('ResNet-18', 8, [64, 56, 128, 1], two),
  square('ResNet-18', 8, [128, 28, 128, 3], { level: 1 }),
  square('ResNet-18', 8, [128, 28, 256, 3], two),
  square('ResNet-18', 8, [128, 28, 256, 1], two),
  square('ResNet-18', 8, [256, 14, 256, 3]),
  square('ResNet-18', 8, [256, 14, 512, 3], two),
  square('ResNet-18', 8, [256, 14, 512, 1], two),
  square('ResNet-18', 8, [512, 7, 512, 3], { level: 1 }),
  square('ResNet-18, 32x32', 64, [3, 32, 64, 3], { level: 1 }),
  square('ResNet-18, 32x32', 64, [64, 32, 64, 3], { level: 1 }),
  square('ResNet-18, 32x32', 64, [64, 32, 128, 3], two),
  square('ResNet-18, 32x32', 64, [128, 16, 128, 3]),
  square('ResNet-18, 32x32', 64, [128, 16, 256, 3], two),
  square('ResNet-18, 32x32', 64, [256, 8, 256, 3]),
  square('ResNet-18, 32x32', 64, [256, 8, 512, 3], two),
  square('ResNet-18, 32x32', 64, [512, 4, 512, 3], { level: 1 }),
];

/** A stage of bottlenecks: channels before it, its width, the size of the images before it. */
function bottlenecks(before: number, width: number, size: number, stride: number): ConvLayer[] {
  const [name, after] = ['ResNet-50', size / stride];
  return [
    square(name, 8, [before, size, width, 1]),
    square(name, 8, [width, size, width, 3], stride === 1 ? {} : two),
    square(name, 8, [before, size, 4 * width, 1], stride === 1 ? {} : two),
    square(name, 8, [width, after, 4 * width, 1]),
    square(name, 8, [4 * width, after, width, 1]),
    ...(stride === 1 ? [] : [square(name, 8, [width, after, width, 3])]),
  ];
}

const resnet50 = [
  square('ResNet-50', 8, [64, 56, 256, 1], { level: 0 }),
  square('ResNet-50', 8, [1024, 14, 256, 1], { level: 1 }),
  square('ResNet-50', 8, [512, 14, 512, 3], { ...two, level: 1 }),
  square('ResNet-50', 8, [2048, 7, 512, 1], { level: 1 }),
  ...bottlenecks(64, 64, 56, 1),
  ...bottlenecks(256, 128, 56, 2),
  ...bottlenecks(512, 256, 28, 2),
  ...bottlenecks(1024, 512, 14, 2),
];

const mobilenet = [
  square('MobileNetV2', 16, [3, 224, 32, 3], two),
  depthwise(32, 112, { level: 1 }),
  depthwise(96, 112, two),
  depthwise(144, 56, { level: 0 }),
  depthwise(144, 56, two),
  depthwise(192, 28),
  depthwise(192, 28, two),
  depthwise(384, 14),
  depthwise(576, 14),
  depthwise(576, 14, two),
  depthwise(960, 7, { level: 1 }),
  square('MobileNetV2', 16, [16, 112, 96, 1], { level: 1 }),
  square('MobileNetV2', 16, [96, 56, 24, 1]),
  square('MobileNetV2', 16, [24, 56, 144, 1]),
  square('MobileNetV2', 16, [384, 14, 64, 1]),
  square('MobileNetV2', 16, [320, 7, 1280, 1]),
];

const deepBench = [
  layer('DeepBench', 4, [1, 161, 700, 32, 5, 20], two),
  layer('DeepBench', 4, [32, 79, 341, 32, 5, 10], two),
  layer('DeepBench', 8, [1, 48, 480, 16, 3, 3], { padding: 1, level: 1 }),
  layer('DeepBench', 8, [16, 24, 240, 32, 3, 3], { padding: 1 }),
  layer('DeepBench', 8, [32, 12, 120, 64, 3, 3], { padding: 1 }),
  layer('DeepBench', 8, [64, 6, 60, 128, 3, 3], { padding: 1 }),
  square('DeepBench', 8, [64, 54, 64, 3]),
  square('DeepBench', 8, [128, 27, 128, 3]),
  square('DeepBench', 8, [128, 14, 256, 3]),
  square('DeepBench', 8, [256, 7, 512, 3]),
  square('DeepBench', 16, [192, 28, 32, 5], { level: 1 }),
  square('DeepBench', 16, [512, 14, 48, 5]),
  square('DeepBench', 16, [832, 7, 128, 5]),
  layer('DeepBench', 4, [64, 80, 350, 128, 5, 5], { ...two, padding: 1 }),
  layer('DeepBench', 4, [128, 40, 175, 256, 5, 5], { ...two, padding: 1 }),
  layer('DeepBench', 4, [256, 20, 84, 512, 5, 5], { ...two, padding: 1 }),
];

function titleOf({ shape }: ConvLayer): string {
  const { input, filters, kernelSize, stride, groups } = shape;
  const [n, c, h, w] = input;
  const size = h === w ? `${h}` : `${h}x${w}`;
  const extra = [
    stride[0] === 1 ? '' : ` /${stride[0]}`,
    groups === 1 ? '' : groups === c ? ' depthwise' : ` in ${groups} groups`,
  ].join('');
  return `${c}→${filters} ${kernelSize.join('x')}${extra}, ${size}, batch ${n}`;
}

const parts: readonly (readonly [ConvPart, string])[] = [
  ['forward', 'forward'],
  ['inputGradient', 'input gradient'],
  ['filterGradient', 'filter gradient'],
];

/**
 * Every layer in its three parts, none twice. The gradient of images, which no network's training
 * computes, is left to --all.
 */
export function convRows(): { title: string; level: Level; task: ConvTask }[] {
  const all = [lenet, mnist, alexnet, vgg, resnet18, resnet50, mobilenet, deepBench].flat();
  const rows = new Map<string, { title: string; level: Level; task: ConvTask }>();
  for (const each of all) {
    const isFirst = each.shape.input[1] <= 3;
    for (const [part, name] of parts) {
      const title = `${each.network}  ${titleOf(each)}  ${name}`;
      const level = isFirst && part === 'inputGradient' ? 2 : each.level;
      if (!rows.has(title))
        rows.set(title, { title, level, task: { kind: 'conv', part, ...each.shape } });
    }
  }
  return [...rows.values()];
}
