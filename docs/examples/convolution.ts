// The two conventions of convolution, differences as convolutions, and pooling.
// Run: node --import tsx docs/examples/convolution.ts (in the npm package, import from 'stridenet')
import * as sn from '../../lib/index.ts';

/** One image of one channel, or one filter of one channel: (1, 1, H, W). */
function grid(rows: number[][]): sn.Tensor<'float32'> {
  return sn.tensor([[rows]]);
}

const noBias = sn.zeros([1]);

function print(title: string, result: sn.Tensor): void {
  const [, , , width] = result.shape as [number, number, number, number];
  console.log(title);
  for (let start = 0; start < result.size; start += width) {
    console.log(' ', Array.from(result.data.subarray(start, start + width)).join(' '));
  }
}

// What frameworks call convolution is cross-correlation: the filter lies on the image as it is.
const bits = grid([
  [1, 1, 1, 0, 0],
  [0, 1, 1, 1, 0],
  [0, 0, 1, 1, 1],
  [0, 0, 1, 1, 0],
  [0, 1, 1, 0, 0],
]);
const cross = grid([
  [1, 0, 1],
  [0, 1, 0],
  [1, 0, 1],
]);
print('correlation, valid', sn.ops.conv2d(bits, cross));

// True convolution turns the filter around; 'full' takes every position that touches the image.
const image = grid([
  [1, 3, 1],
  [0, -1, 1],
  [2, 2, -1],
]);
const filter = grid([
  [1, 2],
  [0, -1],
]);
const full = sn.ops.conv2d(image, filter, noBias, { flipKernel: true, padding: 'full' });
print('true convolution, full', full);

// A difference of neighbours is a convolution too: x[i+1][j] − x[i][j].
const down = grid([
  [0, 0, 0],
  [0, -1, 0],
  [0, 1, 0],
]);
print('downward differences', sn.ops.conv2d(image, down, noBias, { padding: 1 }));

print('2x2 maxima', sn.ops.maxPool2d(full, { kernelSize: 2 }));
