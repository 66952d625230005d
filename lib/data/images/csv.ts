import { formatError } from '../files.ts';

/** A row of a CSV file. */
export interface Row {
  readonly fields: readonly string[];
  /** The byte where it starts, and its line, counted from 1. */
  readonly offset: number;
  readonly line: number;
}

const [quote, carriageReturn, lineFeed] = [0x22, 0x0d, 0x0a];

/** Where the text is and what is wrong with it. */
interface Source {
  readonly where: string;
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly delimiter: number;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf({ where, file, bytes }: Source, start: number, end: number): string {
  try {
    return utf8.decode(bytes.subarray(start, end));
  } catch (cause) {
    throw formatError(where, file, start, 'this field is no UTF-8', cause);
  }
}

/** The field that starts with a quote at `start`, and the place behind it. */
function quoted(source: Source, start: number): { field: string; end: number } {
  const { where, file, bytes, delimiter } = source;
  let at = start + 1;
  for (;;) {
    at = bytes.indexOf(quote, at);
    if (at < 0) throw formatError(where, file, start, 'the quote that starts here has no end');
    if (bytes[at + 1] !== quote) break;
    at += 2;
  }
  const field = textOf(source, start + 1, at).replaceAll('""', '"');
  const next = bytes[at + 1];
  const ends = [undefined, delimiter, carriageReturn, lineFeed].includes(next);
  if (!ends) throw formatError(where, file, at + 1, 'text stands behind a quoted field');
  return { field, end: at + 1 };
}

/** The field without quotes that starts at `start`, and the place behind it. */
function plain(source: Source, start: number): { field: string; end: number } {
  const { where, file, bytes, delimiter } = source;
  let end = start;
  for (; end < bytes.length; end++) {
    const byte = bytes[end];
    if (byte === delimiter || byte === lineFeed || byte === carriageReturn) break;
    if (byte === quote) throw formatError(where, file, end, 'a quote stands within a field');
  }
  return { field: textOf(source, start, end), end };
}

/**
 * The rows of a CSV file (RFC 4180, ended by CRLF, LF or CR, in UTF-8 with or without its mark),
 * empty lines left out; all have as many fields as the first one.
 * @param delimiter one ASCII character
 * @throws ERR_FILE_FORMAT with file, byte and reason
 */
export function* csvRows(
  where: string,
  file: string,
  bytes: Uint8Array,
  delimiter: string,
): Generator<Row> {
  const source = { where, file, bytes, delimiter: delimiter.charCodeAt(0) };
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let line = 1;
  let width = 0;
  while (at < bytes.length) {
    const offset = at;
    const fields: string[] = [];
    for (;;) {
      const { field, end } = bytes[at] === quote ? quoted(source, at) : plain(source, at);
      fields.push(field);
      at = end;
      if (bytes[at] !== source.delimiter) break;
      at++;
    }
    const row = { fields, offset, line };
    const isEmpty = at === offset;
    line += 1 + fields.reduce((sum, field) => sum + (field.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
    if (bytes[at] === carriageReturn && bytes[at + 1] === lineFeed) at++;
    at++;
    if (isEmpty) continue;
    if (width === 0) width = fields.length;
    if (fields.length !== width) {
      const reason = `line ${row.line} has ${fields.length} fields, the first one ${width}`;
      throw formatError(where, file, offset, reason);
    }
    yield row;
  }
}
