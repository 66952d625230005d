import * as sn from '../lib/index.ts';
import { describeModel } from './support/models.ts';

describeModel<sn.models.ResnetOptions>('resnet18', {
  make: sn.models.resnet18,
  parameters: 11_689_512,
  multiplyAdds: 1_814_073_344,
  small: { width: 8, inputShape: [3, 64, 64], classes: 10, batch: 3 },
});

describeModel<sn.models.ResnetOptions>('resnet18 for 32x32', {
  make: (options) => sn.models.resnet18({ stem: 'small', classes: 10, ...options }),
  parameters: 11_173_962,
  multiplyAdds: 555_422_720,
  classes: 10,
  run: { batch: 2 },
  small: { width: 8, batch: 2 },
});

describeModel<sn.models.ResnetOptions>('resnet50', {
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
