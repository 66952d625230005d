import { cpuInfo, setThreads } from '../../lib/cpu.ts';
import { testThreads } from './threads.ts';

// A Program's `threads` is at most the pool's: without this, 3 and 8 would mean 2 on 2 cores.
if (cpuInfo().addon !== null) setThreads(testThreads);
