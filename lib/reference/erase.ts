import type { EraseAttributes } from '../ops/erase.ts';
import { need } from '../ops/operator.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y = value where the sample's box [top, left, bottom, right) has the pixel, else x. */
export const erase: ReferenceKernel<EraseAttributes> = (inputs, outputs, { value }) => {
  const [x, boxes, y] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const [N = 0, C = 0, H = 0, W = 0] = x.shape;
  let i = 0;
  for (let n = 0; n < N; n++) {
    const [top = 0, left = 0, bottom = 0, right = 0] = boxes.data.subarray(4 * n, 4 * n + 4);
    for (let c = 0; c < C; c++) {
      for (let h = 0; h < H; h++) {
        for (let w = 0; w < W; w++, i++) {
          const erased = h >= top && h < bottom && w >= left && w < right;
          y.data[i] = erased ? value : (x.data[i] as number);
        }
      }
    }
  }
};
