import { readdirSync } from 'node:fs';
import { cpuInfo } from '../../lib/cpu.ts';

/** Threads of the pool in tests: as many as the most that a test asks for, on any machine. */
export const testThreads = 8;

/** What the pool has by itself, read before the setup changes it; for tests that measure time. */
export const machineThreads = cpuInfo().threads;

/** Threads of this process as the system counts them, or null where it does not tell. */
export function runningThreads(): number | null {
  try {
    return readdirSync('/proc/self/task').length;
  } catch {
    return null;
  }
}
