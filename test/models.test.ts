import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { describeModel, parameterCount } from './support/models.ts';

/** Of the largest, but for long runs: 0.5 GB of parameters in six places take half a minute. */
const narrow = Number(process.env.STRIDENET_CASES ?? 1) > 1 ? {} : { hidden: 512 };

describeModel('D1: lenet5', {
  make: sn.models.lenet5,
  parameters: 61_706,
  multiplyAdds: 416_520,
  classes: 10,
  run: { batch: 8 },
  small: { batch: 3 },
});

describeModel('D2: lenet5Original', {
  make: sn.models.lenet5Original,
  parameters: 60_806,
  multiplyAdds: 326_520,
  classes: 10,
  run: { batch: 8 },
  small: { batch: 3 },
});

describeModel<sn.models.DenseClassifierOptions>('D3: alexnet', {
  make: sn.models.alexnet,
  parameters: 61_100_840,
  multiplyAdds: 714_188_480,
  small: { inputShape: [3, 63, 63], hidden: 8, classes: 7 },
  reference: false,
});

describeModel<sn.models.DenseClassifierOptions>('D3: alexnetTwoTowers', {
  make: sn.models.alexnetTwoTowers,
  parameters: 60_965_224,
  multiplyAdds: 724_406_816,
  run: narrow,
  small: { inputShape: [3, 63, 63], hidden: 8, classes: 7 },
  reference: false,
});

describeModel<sn.models.VggOptions>('vgg16', {
  make: sn.models.vgg16,
  parameters: 138_357_544,
  multiplyAdds: 15_470_264_320,
  run: narrow,
  small: { inputShape: [3, 32, 32], width: 4, hidden: 16, classes: 7 },
});

describeModel('D4: networkInNetwork', {
  make: sn.models.networkInNetwork,
  parameters: 966_986,
  multiplyAdds: 222_486_528,
  classes: 10,
  run: { batch: 4 },
  small: { inputShape: [3, 12, 12] },
});

const { models } = sn;

describe('mnist', () => {
  it('has 542,230 parameters, and takes other images and classes as the others do', async () => {
    expect(parameterCount(models.mnist())).toBe(542_230);
    const net = models.mnist({ classes: 5, inputShape: [3, 40, 38], ties: 'all', seed: 2 });
    expect(parameterCount(net)).toBe(32 * 28 + (32 * 19 * 18 + 1) * 100 + 101 * 5);
    const y = await net.predict(sn.full([2, 3, 40, 38], 0.5));
    expect(y.shape).toEqual([2, 5]);
    expect([...y.data.slice(0, 5)].reduce((sum, p) => sum + p)).toBeCloseTo(1, 5);
  });
});

type WrongModel = [name: string, code: sn.ErrorCode, call: () => unknown];

describe('wrong options', () => {
  it.each<WrongModel>([
    ['lenet5', 'ERR_SHAPE', () => models.lenet5({ inputShape: [1, 11, 11] })],
    ['lenet5', 'ERR_SHAPE', () => models.lenet5({ inputShape: [28, 28] })],
    ['lenet5', 'ERR_ARGUMENT', () => models.lenet5({ inputShape: 28 as never })],
    ['lenet5', 'ERR_ARGUMENT', () => models.lenet5({ classes: 0 })],
    ['lenet5', 'ERR_ARGUMENT', () => models.lenet5({ pooling: 'mean' as never })],
    ['lenet5', 'ERR_ARGUMENT', () => models.lenet5({ pooling: 'constructor' as never })],
    ['lenet5', 'ERR_ARGUMENT', () => models.lenet5({ activation: 'RELU' as never })],
    ['lenet5', 'ERR_ARGUMENT', () => models.lenet5({ seed: -1 })],
    ['lenet5', 'ERR_ARGUMENT', () => models.lenet5({ backend: 'gpu' as never })],
    ['lenet5', 'ERR_ARGUMENT', () => models.lenet5(null as never)],
    ['mnist', 'ERR_ARGUMENT', () => models.mnist(null as never)],
    ['mnist', 'ERR_ARGUMENT', () => models.mnist({ layers: [] } as never)],
    ['mnist', 'ERR_ARGUMENT', () => models.mnist({ ties: 'last' as never })],
    ['mnist', 'ERR_SHAPE', () => models.mnist({ inputShape: [1, 3, 3] })],
    ['lenet5Original', 'ERR_SHAPE', () => models.lenet5Original({ inputShape: [1, 8, 40] })],
    ['lenet5Original', 'ERR_ARGUMENT', () => models.lenet5Original({ units: 3 } as never)],
    ['partialConv2d', 'ERR_ARGUMENT', () => models.partialConv2d([], { kernelSize: 3 })],
    ['partialConv2d', 'ERR_ARGUMENT', () => models.partialConv2d([0] as never, { kernelSize: 3 })],
    ['partialConv2d', 'ERR_ARGUMENT', () => models.partialConv2d([[-1]], { kernelSize: 3 })],
    ...(['groups', 'filters', 'kernel'] as const).map((option): WrongModel => {
      const options = { kernelSize: 1, [option]: 2 };
      return ['partialConv2d', 'ERR_ARGUMENT', () => models.partialConv2d([[0]], options)];
    }),
    ['alexnet', 'ERR_SHAPE', () => models.alexnet({ inputShape: [3, 62, 62] })],
    ['alexnet', 'ERR_ARGUMENT', () => models.alexnet({ hidden: 0 })],
    ['alexnetTwoTowers', 'ERR_SHAPE', () => models.alexnetTwoTowers({ inputShape: [3, 62, 62] })],
    ['alexnetTwoTowers', 'ERR_ARGUMENT', () => models.alexnetTwoTowers({ dropout: 1 })],
    ['vgg16', 'ERR_SHAPE', () => models.vgg16({ inputShape: [3, 31, 31] })],
    ['vgg16', 'ERR_ARGUMENT', () => models.vgg16({ width: 0.5 })],
    ['vgg16', 'ERR_ARGUMENT', () => models.vgg16({ batchNorm: true } as never)],
    ['networkInNetwork', 'ERR_SHAPE', () => models.networkInNetwork({ inputShape: [3, 3, 3] })],
    ['networkInNetwork', 'ERR_ARGUMENT', () => models.networkInNetwork({ dropout: -0.1 })],
    ['mlpconv', 'ERR_ARGUMENT', () => models.mlpconv({ filters: [1, 2, 0], kernelSize: 3 })],
    ['mlpconv', 'ERR_ARGUMENT', () => models.mlpconv({ filters: 3 as never, kernelSize: 3 })],
    ['inception', 'ERR_ARGUMENT', () => models.inception({ filters1x1: 3 } as never)],
    ['resnextBlock', 'ERR_ARGUMENT', () => models.resnextBlock({ filters: 8, groups: 0 })],
    ['resnextBlock', 'ERR_ARGUMENT', () => models.resnextBlock({ filters: 8, width: 4 } as never)],
  ])('of %s give %s that names it', (name, code, call) => {
    const message = expect.stringMatching(new RegExp(`^\\[${name}[\\],]`));
    expect(call).toThrow(expect.objectContaining({ name: 'StridenetError', code, message }));
  });

  it('the smallest images that fit are taken', () => {
    expect(models.mnist({ inputShape: [1, 4, 4] }).layers()).toHaveLength(5);
    expect(models.lenet5({ inputShape: [1, 12, 12] }).layers()).toHaveLength(8);
    expect(models.alexnet({ inputShape: [3, 63, 63] }).layers()).toHaveLength(4);
    expect(models.alexnetTwoTowers({ inputShape: [3, 63, 63] }).layers()).toHaveLength(3);
    expect(models.vgg16({ inputShape: [3, 32, 32] }).layers()).toHaveLength(4);
    expect(models.networkInNetwork({ inputShape: [3, 4, 4] }).layers()).toHaveLength(9);
  });

  it('a block that does not fit what passes it by says so', () => {
    const layers = [models.resnextBlock({ filters: 256 })];
    expect(() => sn.sequential({ inputShape: [64, 8, 8], layers })).toThrow(
      expect.objectContaining({ code: 'ERR_SHAPE' }),
    );
  });
});

describe('a ready-made network', () => {
  it.each([
    ['resnet18', sn.models.resnet18],
    ['mobilenetV2', sn.models.mobilenetV2],
    ['lenet5', sn.models.lenet5],
  ])('refuses images whose channels are last: %s', (name, make) => {
    expect(() => make({ inputShape: [24, 32, 3] })).toThrow(
      expect.objectContaining({
        code: 'ERR_SHAPE',
        message: expect.stringMatching(
          `^\\[${name}\\] inputShape is \\(C,H,W\\).*with 3 channels give \\(3, 24, 32\\)`,
        ),
      }),
    );
  });

  it('takes any channels, and any image where windows are padded', () => {
    const make = (inputShape: number[]) =>
      sn.models.resnet18({ inputShape, classes: 5, width: 4 }).architecture.outputShape;
    for (const shape of [
      [3, 8, 8],
      [1, 1, 1],
      [32, 4, 4],
      [2, 9, 3],
      [13, 16, 16],
    ]) {
      expect(make(shape)).toEqual([5]);
    }
    const { outputShape } = sn.models.mobilenetV2({
      inputShape: [3, 8, 8],
      classes: 5,
    }).architecture;
    expect(outputShape).toEqual([5]);
  });
});
