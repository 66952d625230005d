import { readAhead } from './readAhead.ts';
import { indexed, type Stage } from './stage.ts';

/** Reads up to `ahead` values before they are wanted. */
export function prefetch<T>(source: Stage<T>, ahead: number): Stage<T> {
  const { access, span, traits } = source;
  if (access !== null && span !== null) {
    return indexed({ ...access, ahead: Math.max(access.ahead, ahead) }, { span, traits });
  }
  return { ...source, open: (pass, skip) => readAhead(source.open(pass, skip), ahead) };
}
