import type { MatmulAttributes } from '../ops/matmul.ts';
import { need } from '../ops/operator.ts';
import { sizes2 } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y[m,n] = Σ_k a[m,k] · b[k,n], each read transposed where its attribute says so. */
export const matmul: ReferenceKernel<MatmulAttributes> = (inputs, outputs, attributes) => {
  const [a, b, y] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const { transposeA, transposeB } = attributes;
  const [M, N] = sizes2(y);
  const K = sizes2(a)[transposeA ? 0 : 1];
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) {
        const left = a.data[transposeA ? k * M + m : m * K + k];
        const right = b.data[transposeB ? n * K + k : k * N + n];
        sum += left * right;
      }
      y.data[m * N + n] = sum;
    }
  }
};
