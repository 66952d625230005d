import { need } from '../ops/operator.ts';
import type { FoldAttributes, UnfoldAttributes } from '../ops/unfold.ts';
import type { Shape } from '../shape.ts';
import { at4 } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** Calls visit(column, cell) for every element of the columns; cell −1 lies in the padding. */
function walk(
  image: Shape,
  columns: number,
  { kernelSize: [R, S], stride, padding, dilation }: UnfoldAttributes,
  visit: (column: number, cell: number) => void,
): void {
  const [N = 0, C = 0, H = 0, W = 0] = image;
  const width = W + padding[2] + padding[3] - dilation[1] * (S - 1) - 1;
  const Q = Math.floor(width / stride[1]) + 1;
  let column = 0;
  for (let n = 0; n < N; n++) {
    for (let c = 0; c < C; c++) {
      for (let r = 0; r < R; r++) {
        for (let s = 0; s < S; s++) {
          for (let i = 0; i < columns; i++) {
            const h = Math.floor(i / Q) * stride[0] + r * dilation[0] - padding[0];
            const w = (i % Q) * stride[1] + s * dilation[1] - padding[2];
            const inside = h >= 0 && h < H && w >= 0 && w < W;
            visit(column++, inside ? at4(image, n, c, h, w) : -1);
          }
        }
      }
    }
  }
}

/** columns[n, (c,r,s), (p,q)] = x[n, c, p·stride + r·dilation − padding, …], 0 outside. */
export const unfold: ReferenceKernel<UnfoldAttributes> = (inputs, outputs, attributes) => {
  const [x, columns] = [need(inputs[0]), need(outputs[0])];
  walk(x.shape, columns.shape[2] as number, attributes, (column, cell) => {
    columns.data[column] = cell < 0 ? 0 : (x.data[cell] as number);
  });
};

/** x[n, c, h, w] = Σ of the columns' elements that unfold takes from there. */
export const fold: ReferenceKernel<FoldAttributes> = (inputs, outputs, attributes) => {
  const [columns, x] = [need(inputs[0]), need(outputs[0])];
  const sums = new Float64Array(x.size);
  walk(x.shape, columns.shape[2] as number, attributes, (column, cell) => {
    if (cell >= 0) sums[cell] = (sums[cell] as number) + (columns.data[column] as number);
  });
  x.data.set(sums);
};
