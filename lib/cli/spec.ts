/** Something of a kind with options of its own: an optimizer, a layer, a data set. */
export interface Spec {
  /** '' where only options are given. */
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
}

const [opening, closing] = ['[{(', ']})'];

/** The parts of a text between commas that stand in no brackets or quotes. */
function parts(text: string): string[] {
  const found = [''];
  let [depth, quoted] = [0, false];
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    if (!quoted && opening.includes(character)) depth += 1;
    if (!quoted && closing.includes(character)) depth -= 1;
    if (character === ',' && depth === 0 && !quoted) found.push('');
    else found[found.length - 1] += character;
  }
  return found;
}

/** `text` as JSON where it is, else as it stands: '0.9', 'true', '[4,4]', 'nearest'. */
export function literal(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What `kind:name=value,name=value` says; null when it is none. */
function parseSpec(text: string): Spec | null {
  const [, kind = text, rest] = /^(.*?):(\w+=.*)$/s.exec(text) ?? [];
  if (kind === '') return null;
  const options: Record<string, unknown> = {};
  for (const part of rest === undefined ? [] : parts(rest)) {
    const [, name, value] = /^\s*(\w+)=(.*)$/s.exec(part) ?? [];
    if (name === undefined || value === undefined) return null;
    options[name] = literal(value);
  }
  return { kind, options };
}

/**
 * A text (`sgd:momentum=0.9`) or an object (`{ "kind": "sgd", "momentum": 0.9 }`, the options within
 * `options` or beside the kind) as a Spec; null for anything else.
 */
export function specOf(value: unknown): Spec | null {
  if (typeof value === 'string') return parseSpec(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { kind = '', options, ...rest } = value as Readonly<Record<string, unknown>>;
  if (typeof kind !== 'string') return null;
  const within = typeof options === 'object' && options !== null && !Array.isArray(options);
  if (options !== undefined && !within) return { kind, options: { ...rest, options } };
  return { kind, options: { ...rest, ...(options as object | undefined) } };
}

/** What the text of a flag says: JSON, or the short form. */
export function flagSpec(text: string): unknown {
  return text.trim().startsWith('{') ? literal(text) : text;
}
