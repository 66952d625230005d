import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import nodeGypBuild from 'node-gyp-build';
import type { LoweredCall } from '../compiler/lower.ts';
import { type ErrorCode, StridenetError } from '../errors.ts';
import { packageRoot } from '../packageRoot.ts';
import type { TypedArray } from '../tensor.ts';
import type { RunRequest, RunResult } from './backend.ts';

/** The addon's exports; docs/architecture.md, "The addon", says what they do. */
export interface Addon {
  cpuInfo(): { isa: string; isas: string[]; features: string[]; threads: number };
  setThreads(threads: number): void;
  scratchBytes(call: LoweredCall, isa?: string): number;
  packedElements(call: LoweredCall, isa?: string): number;
  fmaPeak(dtype: string, threads: number, milliseconds: number): number;
  memory(): { bytes: number; programs: number };
  Program: new (description: object) => AddonProgram;
}

/** A Program in the addon. */
export interface AddonProgram {
  write(buffer: number, data: TypedArray): void;
  read(buffer: number, into: TypedArray): void;
  runSync(request: RunRequest): RunResult;
  run(request: RunRequest): Promise<RunResult>;
  cancel(): void;
  dispose(): void;
  bytes(): number;
  seconds(): Float64Array;
}

/** The addon and the file it was loaded from. */
export interface LoadedAddon {
  readonly addon: Addon;
  readonly path: string;
}

let loaded: LoadedAddon | StridenetError | null = null;

function notFound(path: string, cause: unknown): StridenetError {
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  return new StridenetError(
    'ERR_NATIVE_NOT_FOUND',
    [
      `[stridenet] no native addon could be loaded for ${process.platform}-${process.arch}, Node ${process.versions.node}.`,
      `Tried: ${path}.`,
      `Reason: ${reason}`,
      'Cure: `npx stridenet build` compiles one; it needs a C++20 compiler, make and Python 3. Or',
      "install the package anew on this very platform. backend: 'reference' works without it.",
    ].join('\n'),
    { cause },
  );
}

/** Where `prebuilds` or `build` lies: beside this file in a bundle (docs/bundling.md), else in the package. */
function addonRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return existsSync(join(here, 'prebuilds')) ? here : packageRoot();
}

function load(): LoadedAddon {
  const require = createRequire(import.meta.url);
  const root = addonRoot();
  const chosen = process.env.STRIDENET_ADDON;
  let path =
    chosen ??
    `${root}/build/Release/*.node, ${root}/prebuilds/${process.platform}-${process.arch}/*.node`;
  try {
    path = chosen ?? nodeGypBuild.resolve(root);
    return { addon: require(path) as Addon, path };
  } catch (cause) {
    throw isCoded(cause) ? adopt(cause) : notFound(path, cause);
  }
}

/** The addon, loaded at first use. Throws ERR_NATIVE_NOT_FOUND with what was tried and the cure. */
export function loadAddon(): LoadedAddon {
  if (loaded === null) {
    try {
      loaded = load();
    } catch (error) {
      loaded = error as StridenetError;
    }
  }
  if (loaded instanceof Error) throw loaded;
  return loaded;
}

/**
 * Whether this platform has an addon. Says so once, in a warning of the process, when it has none.
 * @throws what is wrong with an addon that is there, or that STRIDENET_ADDON names
 */
export function hasAddon(): boolean {
  try {
    loadAddon();
    return true;
  } catch (error) {
    const { code, message } = error as StridenetError;
    if (code !== 'ERR_NATIVE_NOT_FOUND' || process.env.STRIDENET_ADDON !== undefined) throw error;
    if (!warned) process.emitWarning(slowly(message), { type: 'StridenetWarning', code });
    warned = true;
    return false;
  }
}

let warned = false;

function slowly(message: string): string {
  const [, ...rest] = message.replace('[stridenet] ', '').split('\n');
  return [
    `no native addon for ${process.platform}-${process.arch}: everything is computed by plain loops, 10 to 1,000 times slower.`,
    ...rest,
  ].join('\n');
}

/** The addon when there is one, else null. */
export function tryAddon(): LoadedAddon | null {
  try {
    return loadAddon();
  } catch {
    return null;
  }
}

function isCoded(error: unknown): error is Error & { code: ErrorCode } {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return (
    typeof error.code === 'string' &&
    /^ERR_(SHAPE|DTYPE|ARGUMENT|PROGRAM|NON_FINITE|ABORTED|MEMORY|BUSY|DISPOSED)$/.test(error.code)
  );
}

/** An error of the addon as a StridenetError with the same code; `step` is kept when it has one. */
export function adopt(error: unknown): unknown {
  if (!isCoded(error) || error instanceof StridenetError) return error;
  const adopted = new StridenetError(error.code, error.message, { cause: error });
  if ('step' in error) Object.assign(adopted, { step: error.step });
  return adopted;
}
