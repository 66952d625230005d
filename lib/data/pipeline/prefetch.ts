import { readAhead } from './readAhead.ts';
import { indexed, type Stage } from './stage.ts';

/** Reads up to `ahead` values before they are wanted. */
export function prefetch<T>(source: Stage<T>, ahead: number): Stage<T> {
  const { access, span } = source;
  const traits = { ...source.traits, ahead: Math.max(source.traits.ahead, ahead) };
  if (access !== null && span !== null) return indexed(access, { span, traits });
  return { ...source, traits, open: (pass, skip) => readAhead(source.open(pass, skip), ahead) };
}
