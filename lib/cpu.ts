import { adopt, hasAddon, loadAddon, tryAddon } from './backends/addon.ts';
import { checkInteger } from './shape.ts';

/** What the library runs on. */
export interface CpuInfo {
  /** The instruction set of the chosen kernels, null without an addon. */
  readonly isa: string | null;
  /** All that this CPU could run, best first. */
  readonly isas: readonly string[];
  /** Names of the CPU's instruction set extensions that kernels are chosen by, as 'avx2'. */
  readonly features: readonly string[];
  /** Threads of the pool. */
  readonly threads: number;
  /** The file of the loaded addon, or null. */
  readonly addon: string | null;
}

/**
 * What the library runs on; never throws for a missing addon.
 * @throws ERR_ARGUMENT when STRIDENET_ISA names an instruction set that is unknown or not there
 */
export function cpuInfo(): CpuInfo {
  const loaded = tryAddon();
  if (loaded === null) return { isa: null, isas: [], features: [], threads: 1, addon: null };
  try {
    return { ...loaded.addon.cpuInfo(), addon: loaded.path };
  } catch (error) {
    throw adopt(error);
  }
}

/**
 * Sets the number of compute threads of this process. Of no effect where no native addon fits the
 * platform, as the reference has one thread.
 * @param threads 1 to 1024
 * @throws ERR_ARGUMENT unless `threads` is an integer from 1 to 1024
 */
export function setThreads(threads: number): void {
  checkInteger('setThreads', 'threads', threads, 1, 1024);
  if (hasAddon()) loadAddon().addon.setThreads(threads);
}
