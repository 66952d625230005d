import * as sn from '../lib/index.ts';
import { describeModel } from './support/models.ts';

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
});

describeModel<sn.models.DenseClassifierOptions>('D3: alexnetTwoTowers', {
  make: sn.models.alexnetTwoTowers,
  parameters: 60_965_224,
  multiplyAdds: 724_406_816,
  small: { inputShape: [3, 63, 63], hidden: 8, classes: 7 },
});

describeModel<sn.models.VggOptions>('vgg16', {
  make: sn.models.vgg16,
  parameters: 138_357_544,
  multiplyAdds: 15_470_264_320,
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
