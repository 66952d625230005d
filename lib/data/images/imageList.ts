import { dirname, extname } from 'node:path';
import { argumentError, checkOptions, type StridenetError } from '../../errors.ts';
import { checkInteger } from '../../shape.ts';
import { allocate } from '../../tensor.ts';
import type { Dataset } from '../dataset.ts';
import { checkPath, formatError, someOf } from '../files.ts';
import { from } from '../from.ts';
import { openRegular, readInto } from '../regularFile.ts';
import type { Sample } from '../sample.ts';
import { byCodeUnits, checkClasses } from './classes.ts';
import { csvRows, type Row } from './csv.ts';
import { checkImageOptions, type ImageOptions, imageOptions } from './decode.ts';
import { imageSource, type LabelledFiles } from './imageSource.ts';
import { joinWithin, realPath, realPathWithin } from './within.ts';

/** How a list of images becomes a data set. */
export interface ImageListOptions extends ImageOptions {
  /** The folder that the names of files count from, and that none may leave; default: the list's. */
  folder?: string | URL;
  /**
   * Whether the first line names the columns. Default 'detect': it does unless the file that it
   * names has an ending.
   */
  header?: boolean | 'detect';
  /** The columns of files and of classes: places from 0, or names in the header. Default 0 and 1. */
  columns?: {
    /** Default 0. */
    file?: number | string;
    /** Default 1. */
    label?: number | string;
  };
  /** Default ','. */
  delimiter?: ',' | ';' | '\t' | '|';
  /**
   * The names of the classes in the order of their numbers, or how many there are. Default: numbers
   * are as they stand, other names get numbers in their sorted order.
   */
  classes?: readonly string[] | number;
  /** The most bytes of the list; default 256 MiB. */
  maxListBytes?: number;
}

const where = 'imageList';
const known = ['folder', 'header', 'columns', 'delimiter', 'classes', 'maxListBytes'];

/** Files whose links are followed at a time. */
const checkedAtOnce = 64;

type Columns = readonly [file: number | string, label: number | string];

interface Settings {
  readonly header: boolean | 'detect';
  readonly columns: Columns;
  readonly delimiter: string;
  readonly classes: readonly string[] | number | null;
  readonly maxListBytes: number;
}

function checkColumn(name: string, column: unknown, usual: number): number | string {
  if (column === undefined) return usual;
  if (typeof column === 'string') return column;
  return checkInteger(where, name, column, 0);
}

function checkSettings(options: ImageListOptions): Settings {
  const { header = 'detect', columns = {}, delimiter = ',' } = options;
  if (header !== 'detect' && typeof header !== 'boolean') {
    throw argumentError(where, "header to be true, false or 'detect'", header);
  }
  checkOptions(`${where}, columns`, columns, ['file', 'label']);
  const chosen: Columns = [
    checkColumn('columns.file', columns.file, 0),
    checkColumn('columns.label', columns.label, 1),
  ];
  const named = chosen.some((column) => typeof column === 'string');
  if (named && header === false) {
    throw argumentError(where, 'columns by their places, as there is no header,', columns);
  }
  if (![',', ';', '\t', '|'].includes(delimiter)) {
    throw argumentError(where, "delimiter to be ',', ';', '\\t' or '|'", delimiter);
  }
  return {
    header: named ? true : header,
    columns: chosen,
    delimiter,
    classes: checkClasses(where, options.classes),
    maxListBytes: checkInteger(where, 'maxListBytes', options.maxListBytes ?? 2 ** 28, 1, 2 ** 31),
  };
}

async function readList(file: string, maxBytes: number): Promise<Uint8Array> {
  const handle = await openRegular(where, file);
  try {
    const { size } = await handle.stat();
    if (size > maxBytes) {
      throw formatError(where, file, 0, `${size} bytes are more than maxListBytes, ${maxBytes}`);
    }
    const bytes = allocate('uint8', size) as Uint8Array;
    await readInto(where, file, handle, 0, bytes);
    return bytes;
  } finally {
    await handle.close();
  }
}

/** A line of the list. */
interface Line {
  readonly name: string;
  readonly label: string;
  readonly offset: number;
}

/** The place of a column, by the first row. */
function placeOf(list: string, column: number | string, { fields, offset }: Row): number {
  const place = typeof column === 'number' ? column : fields.indexOf(column);
  if (place >= 0 && place < fields.length) return place;
  const asked = typeof column === 'number' ? `column ${column}` : `column '${column}'`;
  const advice = fields.length === 1 ? '; what separates columns is the option delimiter' : '';
  throw formatError(where, list, offset, `there is no ${asked} but ${someOf(fields)}${advice}`);
}

function linesOf(list: string, bytes: Uint8Array, settings: Settings): Line[] {
  const { header, columns, delimiter } = settings;
  const lines: Line[] = [];
  let places: readonly [number, number] | null = null;
  for (const row of csvRows(where, list, bytes, delimiter)) {
    if (places === null) {
      places = [placeOf(list, columns[0], row), placeOf(list, columns[1], row)];
      const first = row.fields[places[0]] as string;
      if (header === true || (header === 'detect' && extname(first) === '')) continue;
    }
    const [name, label] = places.map((place) => row.fields[place] as string) as [string, string];
    lines.push({ name, label, offset: row.offset });
  }
  if (lines.length === 0) throw formatError(where, list, bytes.length, 'the list names no images');
  return lines;
}

const wholeNumber = /^\d{1,10}$/;
const maxLabel = 2 ** 31 - 1;

/** Class numbers of the lines, and the names of the classes if they have names. */
function classify(
  list: string,
  lines: readonly Line[],
  classes: readonly string[] | number | null,
): { labels: Int32Array; classNames: readonly string[] | null } {
  const isNumber = ({ label }: Line): boolean =>
    wholeNumber.test(label) && Number(label) <= maxLabel;
  const numbered = typeof classes === 'number' || (classes === null && lines.every(isNumber));
  if (numbered) {
    const count = classes ?? maxLabel + 1;
    const labels = lines.map((line) => {
      if (isNumber(line) && Number(line.label) < Number(count)) return Number(line.label);
      const reason = `class '${line.label}' of '${line.name}' is not within 0 to ${Number(count) - 1}`;
      throw formatError(where, list, line.offset, reason);
    });
    return { labels: Int32Array.from(labels), classNames: null };
  }
  const classNames = classes ?? [...new Set(lines.map(({ label }) => label))].sort(byCodeUnits);
  const numbers = new Map(classNames.map((name, i) => [name, i]));
  const labels = lines.map(({ name, label, offset }) => {
    const number = label === '' ? undefined : numbers.get(label);
    if (number !== undefined) return number;
    throw formatError(where, list, offset, `'${name}' is of class '${label}', which there is not`);
  });
  return { labels: Int32Array.from(labels), classNames };
}

/** The files of the lines, all within the folder; those that are missing are told unless `lenient`. */
async function filesOf(
  list: string,
  lines: readonly Line[],
  folder: string,
  lenient: boolean,
): Promise<string[]> {
  const root = await realPath(where, folder);
  const files = lines.map(({ name, offset }) => {
    const file = joinWithin(root, name);
    if (file !== null) return file;
    throw formatError(where, list, offset, `'${name}' names no file within the folder`);
  });
  for (let start = 0; start < files.length; start += checkedAtOnce) {
    const part = files.slice(start, start + checkedAtOnce);
    const results = await Promise.allSettled(part.map((file) => realPathWithin(where, root, file)));
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      const isMissing = (result.reason as StridenetError).code === 'ERR_FILE_NOT_FOUND';
      if (!lenient || !isMissing) throw result.reason;
    }
  }
  return files;
}

/**
 * A list of images and their classes, a CSV file, as a lazy data set. Each line has a file, relative
 * to the folder, and a class: its number, or its name. Quoted fields, and all endings of lines, are
 * those of RFC 4180. Images are decoded as those of `imageFolder`.
 *
 * @param path the CSV file
 * @throws ERR_PACKAGE_NOT_FOUND when sharp is not installed; ERR_FILE_NOT_FOUND, also for an image
 *   unless `onBroken` passes it over; ERR_FILE_ACCESS, also for a link that leaves the folder;
 *   ERR_FILE_FORMAT, with file, byte and reason, for lines that are none, names that leave the folder
 *   and classes that there are not
 */
export async function imageList(
  path: string | URL,
  options: ImageListOptions,
): Promise<Dataset<Sample>> {
  const list = checkPath(where, path);
  checkOptions(where, options, [...imageOptions, ...known]);
  const image = checkImageOptions(where, options);
  const settings = checkSettings(options);
  const folder = checkPath(where, options.folder ?? dirname(list));
  const lines = linesOf(list, await readList(list, settings.maxListBytes), settings);
  const { labels, classNames } = classify(list, lines, settings.classes);
  const files = await filesOf(list, lines, folder, image.onBroken !== 'throw');
  const found: LabelledFiles = { files, labels, classNames };
  return from(await imageSource(where, found, image));
}
