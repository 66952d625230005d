import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { describeModel } from './support/models.ts';

describeModel<sn.models.ResnetOptions>('D5: resnet18', {
  make: sn.models.resnet18,
  parameters: 11_689_512,
  multiplyAdds: 1_814_073_344,
  small: { width: 8, inputShape: [3, 64, 64], classes: 10, batch: 3 },
});

describeModel<sn.models.ResnetOptions>('D5: resnet18 for 32x32', {
  make: (options) => sn.models.resnet18({ stem: 'small', classes: 10, ...options }),
  parameters: 11_173_962,
  multiplyAdds: 555_422_720,
  classes: 10,
  run: { batch: 2 },
  small: { width: 8, batch: 2 },
});

describeModel<sn.models.ResnetOptions>('D5: resnet50', {
  make: sn.models.resnet50,
  parameters: 25_557_032,
  multiplyAdds: 4_089_184_256,
  small: { width: 4, inputShape: [3, 64, 64], classes: 10, batch: 3 },
});

describeModel<sn.models.MobilenetV2Options>('mobilenetV2', {
  make: sn.models.mobilenetV2,
  parameters: 3_504_872,
  multiplyAdds: 300_774_272,
  small: { widthMultiplier: 0.25, inputShape: [3, 64, 64], classes: 10, batch: 3 },
});

const { models } = sn;

describe('wrong options', () => {
  it.each<[string, sn.ErrorCode, () => unknown]>([
    ['resnet18', 'ERR_ARGUMENT', () => models.resnet18(null as never)],
    ['resnet18', 'ERR_ARGUMENT', () => models.resnet18({ stem: 'cifar' as never })],
    ['resnet18', 'ERR_ARGUMENT', () => models.resnet18({ width: 0 })],
    ['resnet18', 'ERR_ARGUMENT', () => models.resnet18({ classes: 1.5 })],
    ['resnet18', 'ERR_ARGUMENT', () => models.resnet18({ layers: [] } as never)],
    ['resnet18', 'ERR_SHAPE', () => models.resnet18({ inputShape: [224, 224] })],
    ['resnet50', 'ERR_ARGUMENT', () => models.resnet50({ depth: 101 } as never)],
    ['resnet50', 'ERR_ARGUMENT', () => models.resnet50({ width: '64' as never })],
    ['mobilenetV2', 'ERR_ARGUMENT', () => models.mobilenetV2(5 as never)],
    ['mobilenetV2', 'ERR_ARGUMENT', () => models.mobilenetV2({ widthMultiplier: 0 })],
    ['mobilenetV2', 'ERR_ARGUMENT', () => models.mobilenetV2({ widthMultiplier: 'x' as never })],
    ['mobilenetV2', 'ERR_ARGUMENT', () => models.mobilenetV2({ dropout: 1 })],
    ['mobilenetV2', 'ERR_SHAPE', () => models.mobilenetV2({ inputShape: [3, 32] })],
  ])('of %s give %s that names it', (name, code, call) => {
    const message = expect.stringMatching(new RegExp(`^\\[${name}[\\],]`));
    expect(call).toThrow(expect.objectContaining({ name: 'StridenetError', code, message }));
  });

  it('images of one pixel are taken', () => {
    for (const make of [models.resnet18, models.resnet50, models.mobilenetV2]) {
      expect(make({ inputShape: [2, 1, 1], classes: 3 }).architecture.outputShape).toEqual([3]);
    }
  });
});
