import type { MatmulAttributes } from '../ops/matmul.ts';
import { need } from '../ops/operator.ts';
import { elementCount } from '../shape.ts';
import { broadcastPlace } from './broadcast.ts';
import type { ReferenceKernel } from './kernel.ts';

/**
 * y[…,m,n] = Σ_k a[…,m,k] · b[…,k,n], each read transposed where its attribute says so; the axes
 * before the last two broadcast.
 */
export const matmul: ReferenceKernel<MatmulAttributes> = (inputs, outputs, attributes) => {
  const [a, b, y] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const { transposeA, transposeB } = attributes;
  const [M, N] = y.shape.slice(-2) as [number, number];
  const K = a.shape.at(transposeA ? -2 : -1) as number;
  const [ofA, ofB, ofY] = [a, b, y].map(({ shape }) => shape.slice(0, -2)) as [
    number[],
    number[],
    number[],
  ];
  for (let product = 0; product < elementCount(ofY); product++) {
    const left = broadcastPlace(product, ofY, ofA) * M * K;
    const right = broadcastPlace(product, ofY, ofB) * K * N;
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        let sum = 0;
        for (let k = 0; k < K; k++) {
          const factor = a.data[left + (transposeA ? k * M + m : m * K + k)] as number;
          sum += factor * (b.data[right + (transposeB ? n * K + k : k * N + n)] as number);
        }
        y.data[(product * M + m) * N + n] = sum;
      }
    }
  }
};
