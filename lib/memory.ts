import { adopt, tryAddon } from './backends/addon.ts';
import { releaseCalls } from './backends/evaluate.ts';
import { releaseEvaluations } from './computation/evaluate.ts';

/** Native memory of this JavaScript thread: the main one or a worker. */
export interface MemoryUse {
  /** Live native bytes: of networks, runs and compiled functions, and of calls kept for the next. */
  readonly bytes: number;
  /** Native programs that hold them. */
  readonly programs: number;
}

/**
 * The native memory that the library holds on this thread, exactly. It is 0 once every network and
 * compiled function was disposed of or collected, and `releaseMemory` was called if operators were
 * called with Tensors. Tensors are JavaScript's memory and not counted; neither are up to 64 MiB of
 * freed blocks that the process keeps for the next.
 */
export function memory(): MemoryUse {
  const loaded = tryAddon();
  if (loaded === null) return { bytes: 0, programs: 0 };
  try {
    return { ...loaded.addon.memory() };
  } catch (error) {
    throw adopt(error);
  }
}

/**
 * Frees what is kept to compute the next call of an operator with Tensors, or the next evaluation of
 * a graph, sooner: 64 MiB at most of each.
 */
export function releaseMemory(): void {
  releaseCalls();
  releaseEvaluations();
}
