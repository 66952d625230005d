import * as sn from '../lib/index.ts';
import { describeModel } from './support/models.ts';

describeModel('lenet5', {
  make: sn.models.lenet5,
  parameters: 61_706,
  multiplyAdds: 416_520,
  classes: 10,
  run: { batch: 8 },
  small: { batch: 3 },
});
