/** What one side measures of one row; plain data, so that every library's process can read it. */
export type Task = GemmTask | ConvTask | NetworkTask;

/** C (M,N) = A (M,K) · B (K,N). */
export interface GemmTask {
  readonly kind: 'gemm';
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly dtype: 'float32' | 'float64';
}

/** A convolution, or one of its gradients, alone; float32, without bias. */
export interface ConvTask {
  readonly kind: 'conv';
  readonly part: ConvPart;
  /** (N,C,H,W) of its input. */
  readonly input: readonly [number, number, number, number];
  readonly filters: number;
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly groups: number;
}

export type ConvPart = 'forward' | 'inputGradient' | 'filterGradient';

/** Steps of training, or batches of inference, of a network of bench/networks.ts. */
export interface NetworkTask {
  readonly kind: 'train' | 'infer';
  readonly network: string;
  readonly batch: number;
  /** Height and width of the images, where they are not the network's own. */
  readonly size?: number;
}

/** What must be done at least, whoever does it. */
export interface Work {
  /** Two a multiply-add. */
  readonly flops: number;
  /** Operands and results, each moved once. */
  readonly bytes: number;
  readonly dtype: 'float32' | 'float64';
  /** Values that a network learns, so that two sides can be seen to be of one architecture. */
  readonly parameters?: number;
}

/** (P,Q) of a convolution. */
export function outputSize(task: ConvTask): [number, number] {
  const along = (axis: 0 | 1): number => {
    const size = task.input[axis + 2] as number;
    return (
      Math.floor((size + 2 * task.padding[axis] - task.kernelSize[axis]) / task.stride[axis]) + 1
    );
  };
  return [along(0), along(1)];
}

function product(...sizes: number[]): number {
  return sizes.reduce((all, size) => all * size, 1);
}

/** Of a matrix product. */
export function gemmWork({ m, n, k, dtype }: GemmTask): Work {
  const bytes = (dtype === 'float32' ? 4 : 8) * (m * k + k * n + m * n);
  return { flops: 2 * m * n * k, bytes, dtype };
}

/** Of a convolution or one of its gradients: the same multiply-adds, the same three tensors. */
export function convWork(task: ConvTask): Work {
  const [n, c] = task.input;
  const [p, q] = outputSize(task);
  const filter = product(c / task.groups, ...task.kernelSize);
  const outputs = product(n, task.filters, p, q);
  const values = product(...task.input) + task.filters * filter + outputs;
  return { flops: 2 * outputs * filter, bytes: 4 * values, dtype: 'float32' };
}
