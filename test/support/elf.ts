import { spawnSync } from 'node:child_process';

/** What a shared object of Linux asks of the system and offers to it. */
export interface SharedObject {
  /** Libraries that it is linked to. */
  readonly needed: string[];
  /** Versions of symbols that it takes from them, as GLIBC_2.17. */
  readonly versions: string[];
  /** Symbols that it defines for others. */
  readonly exported: string[];
  /** Folders in which it has its libraries sought. */
  readonly searched: string[];
  /** Whether it wants a stack that can be executed. */
  readonly executableStack: boolean;
}

export const hasReadelf = spawnSync('readelf', ['--version'], { stdio: 'ignore' }).status === 0;

function matches(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1]!))].sort();
}

/** Reads a file by binutils' readelf; throws when it is no ELF file. */
export function readSharedObject(file: string): SharedObject {
  const { status, stdout, stderr } = spawnSync(
    'readelf',
    ['--wide', '--dynamic', '--version-info', '--dyn-syms', '--program-headers', file],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (status !== 0 || !stdout.includes('Dynamic section')) throw new Error(stderr || stdout);
  return {
    needed: matches(stdout, /\(NEEDED\).*\[(.+)\]/g),
    versions: matches(stdout, /Name: (\S+) +Flags:/g),
    exported: matches(stdout, /(?:GLOBAL|WEAK|UNIQUE) +DEFAULT +(?!UND)\S+ (\S+)/g),
    searched: matches(stdout, /\((?:RPATH|RUNPATH)\).*\[(.+)\]/g),
    executableStack: /GNU_STACK.* RWE /.test(stdout),
  };
}

/** Whether version a is above b, number by number: 2.28 is above 2.3. */
export function isAbove(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left!.length, right!.length); ++i) {
    const difference = (left![i] ?? 0) - (right![i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
