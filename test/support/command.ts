import { vi } from 'vitest';
import { run } from '../../lib/cli/run.ts';

/** Runs `stridenet` with these arguments in this process. */
export async function command(
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' };
  const into = (key: 'out' | 'err') => (chunk: unknown) => {
    written[key] += chunk;
    return true;
  };
  const listening = process.listeners('SIGINT');
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(into('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(into('err')),
  ];
  try {
    const code = await run(args);
    return { code, ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
    for (const each of process.listeners('SIGINT')) {
      if (!listening.includes(each)) process.off('SIGINT', each);
    }
  }
}
