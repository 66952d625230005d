export class Unsupported extends Error {}
export function argument(name: string, fallback: string): string;
export const threads: number;
export function peakMemory(): number;

export type Measure = (seconds: number, least: number) => Promise<number[]>;
export function repeated(
  body: (count: number) => unknown,
  options?: { warmUp?: number },
): Promise<Measure>;

export interface Prepared {
  readonly measure: Measure;
  readonly parameters?: number;
  readonly note?: string;
  readonly memory?: () => object;
  readonly release?: () => void;
}
export function serve(
  about: { library: string; version: string; note?: string },
  prepare: (task: unknown) => Promise<Prepared>,
): Promise<void>;
export function versionOf(name: string): string;
