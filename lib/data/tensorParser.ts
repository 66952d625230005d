import { StridenetError } from '../errors.ts';
import { elementCount, formatShape, maxElements } from '../shape.ts';
import { elementBytes, type Tensor } from '../tensor.ts';
import type { ElementType } from './elements.ts';
import { formatError } from './files.ts';
import { storedBytes, TensorSink } from './tensorSink.ts';

/** Throws ERR_FILE_FORMAT with a byte offset and the reason. */
export type Fail = (offset: number, reason: string) => never;

/** What a header says. */
export interface Layout {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
  /** The byte of the header where the shape stands. */
  readonly shapeAt: number;
}

/** A format of a header and one tensor behind it. */
export interface TensorFormat {
  /** The bytes of the header, as far as its first bytes tell. Fails at bytes that are of no header. */
  headerBytes(header: Buffer, fail: Fail): number;
  /** What the whole header says. */
  layout(header: Buffer, fail: Fail): Layout;
}

/** No byte of a deflate stream stands for more than this many. */
export const maxDeflateRatio = 1032;

/** The bytes of tensors that readers make at most unless told otherwise: 4 GiB. */
export const defaultMaxBytes = 2 ** 32;

/** Counts the bytes that tensors take against what one call may make. */
export class MemoryLimit {
  readonly #maxBytes: number;
  #taken = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Throws ERR_MEMORY when `bytes` more would be too many. */
  take(where: string, file: string, offset: number, bytes: number): void {
    this.#taken += bytes;
    if (this.#taken <= this.#maxBytes) return;
    const message = `[${where}] ${file}, byte ${offset}: makes ${this.#taken} bytes of tensors, more than maxBytes, ${this.#maxBytes}`;
    throw new StridenetError('ERR_MEMORY', message);
  }
}

/** Where a tensor's bytes come from. */
export interface TensorSource {
  /** What is being read and where, in messages. */
  readonly where: string;
  readonly file: string;
  /** The bytes of header and data together: so many if `exact`, else at most so many. */
  readonly size: number;
  readonly exact: boolean;
  readonly memory: MemoryLimit;
}

/**
 * Takes the bytes of a header and a tensor piece by piece and knows nothing of where they come from.
 * Makes room for the tensor when the sizes in the header agree with those of the source, unless the
 * header is all that is wanted.
 */
export class TensorParser {
  readonly #format: TensorFormat;
  readonly #source: TensorSource;
  #header: Buffer = Buffer.alloc(0);
  #received = 0;
  readonly #headerOnly: boolean;
  #layout: Layout | null = null;
  #sink: TensorSink | null = null;
  #needs = '';

  constructor(format: TensorFormat, source: TensorSource, headerOnly = false) {
    this.#format = format;
    this.#source = source;
    this.#headerOnly = headerOnly;
  }

  /** What the header says, once all of it has come and it agrees with the source. */
  get layout(): Layout | null {
    return this.#layout;
  }

  /** How many bytes it has taken. */
  get received(): number {
    return this.#received;
  }

  /** The bytes of the header, as far as it came. */
  get headerBytes(): number {
    return this.#header.length;
  }

  /** Throws ERR_FILE_FORMAT, or ERR_MEMORY for more than the limit or the machine has. */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (this.#sink === null) {
      const needed = this.#format.headerBytes(this.#header, this.#fail) - this.#header.length;
      if (needed === 0) {
        this.#layout = this.#checkedLayout();
        if (this.#headerOnly) return;
        this.#sink = this.#begin(this.#layout);
      } else if (rest.length === 0) return;
      else {
        const part = rest.subarray(0, needed);
        this.#header = Buffer.concat([this.#header, part]);
        this.#received += part.length;
        rest = rest.subarray(part.length);
      }
    }
    if (rest.length > this.#sink.missing) {
      const end = this.#received + this.#sink.missing;
      this.#fail(end, `more data than the ${end - this.#header.length} bytes that ${this.#needs}`);
    }
    this.#sink.push(rest);
    this.#received += rest.length;
  }

  /** The tensor. Throws ERR_FILE_FORMAT when it is not complete. */
  finish(): Tensor {
    if (this.#sink === null) this.#fail(this.#received, 'the file ends within the header');
    const { missing } = this.#sink;
    if (missing > 0) this.#fail(this.#received, `the file ends ${missing} bytes too early`);
    return this.#sink.finish();
  }

  #checkedLayout(): Layout {
    const { size, exact } = this.#source;
    const layout = this.#format.layout(this.#header, this.#fail);
    const { shape, shapeAt } = layout;
    const sizes = formatShape(shape);
    if (elementCount(shape.filter((each) => each > 0)) > maxElements) {
      this.#fail(shapeAt, `shape ${sizes} has more elements than an array holds`);
    }
    const bytes = storedBytes(layout);
    const possible = size - this.#header.length;
    this.#needs = `shape ${sizes} needs`;
    if (bytes > possible || (exact && bytes !== possible)) {
      const there = exact ? `${possible} follow` : `at most ${possible} can follow`;
      this.#fail(shapeAt, `shape ${sizes} needs ${bytes} bytes of data but ${there}`);
    }
    return layout;
  }

  #begin(layout: Layout): TensorSink {
    const { where, file, memory } = this.#source;
    const { type, shape, shapeAt } = layout;
    memory.take(where, file, shapeAt, elementCount(shape) * elementBytes(type.dtype));
    return new TensorSink({ ...layout, where, file, name: '', offset: this.#header.length });
  }

  readonly #fail: Fail = (offset, reason) => {
    throw formatError(this.#source.where, this.#source.file, offset, reason);
  };
}
