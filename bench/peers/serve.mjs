// What every process that is measured and runs on Node shares: it reads requests, one line of JSON
// each, and answers each with one line that begins with @@. bench/worker.ts is the other end.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A task that this library, or this script of it, cannot do. */
export class Unsupported extends Error {}

/** The name and value after `--name=` among the arguments; `fallback` without it. */
export function argument(name, fallback) {
  const prefix = `--${name}=`;
  const found = process.argv.find((each) => each.startsWith(prefix));
  return found === undefined ? fallback : found.slice(prefix.length);
}

export const threads = Number(argument('threads', '1'));

/** The most memory that this process has had in use, in bytes: Linux's count since its exec. */
export function peakMemory() {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    const kilobytes = /^VmHWM:\s*(\d+) kB/m.exec(status)?.[1];
    if (kilobytes !== undefined) return 1024 * Number(kilobytes);
  } catch {
    // Not Linux: the system's own count.
  }
  return 1024 * process.resourceUsage().maxRSS;
}

const SHORTEST = 0.001;
const MOST = 100_000;

/** Seconds of one call of `body(count)`, which does the work `count` times. */
async function secondsOf(body, count) {
  const start = performance.now();
  await body(count);
  return (performance.now() - start) / 1000 / count;
}

/**
 * Makes `measure(seconds, least)` of `body(count)`: seconds of each repetition of at least a
 * millisecond, for about `seconds`. The first one of a round warms up, unless it took so long that
 * nothing is gained by that.
 */
export async function repeated(body, { warmUp = 2 } = {}) {
  let once = Number.POSITIVE_INFINITY;
  for (let i = 0; i < warmUp; i += 1) once = Math.min(once, await secondsOf(body, 1));
  let count = 1;
  while (warmUp > 0 && once * count < SHORTEST && count < MOST) {
    // Less than a repetition says little of how long one more lasts: by steps of at most 8.
    count = Math.min(MOST, Math.ceil(count * Math.min(8, SHORTEST / (once * count) + 0.01)));
    once = Math.min(once, await secondsOf(body, count));
  }
  return async (seconds, least) => {
    if (once * count < seconds / 4) await body(count);
    const times = [];
    const end = performance.now() + 1000 * seconds;
    while (times.length < least || performance.now() < end) {
      times.push(await secondsOf(body, count));
    }
    return times;
  };
}

/**
 * Answers requests until the other end closes.
 * @param about what the first answer says: { library, version, note? }
 * @param prepare (task) → { measure, parameters?, note?, release? }; throws Unsupported
 */
export async function serve(about, prepare) {
  const say = (answer) => process.stdout.write(`@@${JSON.stringify(answer)}\n`);
  say({ ...about, memory: peakMemory() });
  let prepared = null;
  const answer = async ({ does, task, seconds, least }) => {
    if (does === 'measure') return { times: await prepared.measure(seconds, least) };
    if (does === 'memory') return { memory: peakMemory(), ...prepared?.memory?.() };
    prepared?.release?.();
    prepared = null;
    prepared = await prepare(task);
    const { parameters, note } = prepared;
    return { ready: true, parameters, note };
  };
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      say(await answer(JSON.parse(line)));
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      say(error instanceof Unsupported ? { unsupported: said } : { failed: said });
    }
  }
  process.exit(0);
}

/** The version of an installed peer. */
export function versionOf(name) {
  const file = new URL(`./node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}
