import type { PassOptions } from '../../lib/compiler/compile.ts';

/** These passes on and off, each with all others. */
export function combinationsOf(passes: readonly (keyof PassOptions)[]): PassOptions[] {
  return passes.reduce<PassOptions[]>(
    (before, pass) =>
      [true, false].flatMap((on) => before.map((each) => ({ ...each, [pass]: on }))),
    [{}],
  );
}
