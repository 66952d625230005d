import type { StridenetError } from '../../errors.ts';
import { argumentError } from '../../errors.ts';
import { checkInteger, checkPair, type Pair } from '../../shape.ts';
import { allocate, Tensor } from '../../tensor.ts';
import { formatError } from '../files.ts';
import { openRegular, readInto } from '../regularFile.ts';
import type { Decoded, Sharp } from './sharp.ts';

/** An image that could not be decoded. */
export interface BrokenImage {
  /** Its path. */
  readonly file: string;
  /** Its place among the samples. */
  readonly index: number;
  /** ERR_FILE_FORMAT, ERR_FILE_NOT_FOUND or ERR_FILE_ACCESS. */
  readonly error: StridenetError;
  /** How many images were found broken so far, this one among them. */
  readonly count: number;
}

/** How images become samples. */
export interface ImageOptions {
  /** The size of all images, or [height, width]: up to 16384 each, and 2²⁶ pixels. */
  size: number | readonly [height: number, width: number];
  /** 3: red, green, blue; 1: grey, 0.299 R + 0.587 G + 0.114 B. Default 3. */
  channels?: 1 | 3;
  /**
   * How an image gets its size: 'cover' keeps its middle and cuts what is too long, 'contain' puts
   * black beside what is too short, 'fill' stretches. Default 'cover'.
   */
  fit?: 'cover' | 'contain' | 'fill';
  /**
   * What becomes of images that cannot be decoded: an error; nothing, they are passed over; or
   * passed over, and each told once to a function. Default 'throw'.
   */
  onBroken?: 'throw' | 'skip' | ((broken: BrokenImage) => void);
  /** The most pixels of an image as it is stored; default 2²⁶ (8192 x 8192). */
  maxPixels?: number;
  /** The most bytes of an image's file; default 64 MiB. */
  maxFileBytes?: number;
}

export const imageOptions = [
  'size',
  'channels',
  'fit',
  'onBroken',
  'maxPixels',
  'maxFileBytes',
] as const;

/** Options that were checked. */
export interface ImageSettings {
  readonly size: Pair;
  readonly channels: 1 | 3;
  readonly fit: 'cover' | 'contain' | 'fill';
  readonly onBroken: 'throw' | 'skip' | ((broken: BrokenImage) => void);
  readonly maxPixels: number;
  readonly maxFileBytes: number;
}

/** Rows or columns, and pixels, that images are made of at most. */
const [maxSide, maxSizePixels] = [2 ** 14, 2 ** 26];

/** `size` as a pair, if it is one of an image that can be made; else throws ERR_ARGUMENT. */
function checkSize(where: string, size: unknown): Pair {
  const [height, width] = checkPair(where, 'size', size, 1);
  if (Math.max(height, width) <= maxSide && height * width <= maxSizePixels) return [height, width];
  const most = `at most ${maxSide} rows and columns and ${maxSizePixels} pixels`;
  throw argumentError(where, `size to be of ${most}`, size);
}

/** Throws ERR_ARGUMENT. */
export function checkImageOptions(where: string, options: ImageOptions): ImageSettings {
  const { channels = 3, fit = 'cover', onBroken = 'throw' } = options;
  if (channels !== 1 && channels !== 3)
    throw argumentError(where, 'channels to be 1 or 3', channels);
  if (fit !== 'cover' && fit !== 'contain' && fit !== 'fill') {
    throw argumentError(where, "fit to be 'cover', 'contain' or 'fill'", fit);
  }
  if (onBroken !== 'throw' && onBroken !== 'skip' && typeof onBroken !== 'function') {
    throw argumentError(where, "onBroken to be 'throw', 'skip' or a function", onBroken);
  }
  const limit = (name: 'maxPixels' | 'maxFileBytes'): number =>
    checkInteger(where, name, options[name] ?? 2 ** 26, 1, 2 ** 40);
  return {
    size: checkSize(where, options.size),
    channels,
    fit,
    onBroken,
    maxPixels: limit('maxPixels'),
    maxFileBytes: limit('maxFileBytes'),
  };
}

/** How files of the formats start that are decoded: in hexadecimal, dots for any. */
const starts = [
  /^ffd8ff/, // JPEG
  /^89504e470d0a1a0a/, // PNG
  /^47494638/, // GIF
  /^52494646.{8}57454250/, // WebP
  /^(49492a00|4d4d002a)/, // TIFF
  /^.{8}66747970(61766966|61766973)/, // AVIF
];

/**
 * The bytes of an image file, of a format that is decoded: sharp would run programs for others, as
 * SVG, which may name files of their own.
 */
async function readImage(where: string, file: string, maxFileBytes: number): Promise<Uint8Array> {
  const handle = await openRegular(where, file);
  try {
    const { size } = await handle.stat();
    if (size > maxFileBytes) {
      throw formatError(
        where,
        file,
        0,
        `${size} bytes are more than maxFileBytes, ${maxFileBytes}`,
      );
    }
    const bytes = new Uint8Array(size);
    await readInto(where, file, handle, 0, bytes);
    const start = Buffer.from(bytes.subarray(0, 16)).toString('hex');
    if (starts.some((pattern) => pattern.test(start))) return bytes;
    const names = 'JPEG, PNG, GIF, WebP, TIFF or AVIF';
    throw formatError(where, file, 0, `no ${names} file starts with ${start || 'nothing'}`);
  } finally {
    await handle.close();
  }
}

/** Grey by the weights of ITU-R BT.601, in 16-bit fixed point, as Pillow rounds. */
function greyOf(pixels: Uint8Array, count: number): Uint8Array {
  const grey = allocate('uint8', count) as Uint8Array;
  for (let i = 0; i < count; i++) {
    const [r, g, b] = [pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]] as [
      number,
      number,
      number,
    ];
    grey[i] = (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16;
  }
  return grey;
}

/** Planes of pixels that are stored one after the other. */
function planesOf(pixels: Uint8Array, count: number): Uint8Array {
  const planes = allocate('uint8', 3 * count) as Uint8Array;
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < 3; c++) planes[c * count + i] = pixels[3 * i + c] as number;
  }
  return planes;
}

/** What libvips says in one line: it may say it several times, and end with a colon. */
function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const lines = new Set(message.split('\n').map((line) => line.replace(/[\s:]+$/, '')));
  const reason = [...lines].filter((line) => line !== '').join('; ');
  return reason === '' ? 'the image cannot be decoded' : reason;
}

/**
 * The image in a file: uint8 (channels, height, width) in sRGB, turned as its EXIF orientation says,
 * without its transparency; the first one of several.
 * @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS; ERR_FILE_FORMAT for what cannot be decoded whole and
 *   for more pixels or bytes than the limits allow
 */
export async function decodeImage(
  where: string,
  sharp: Sharp,
  file: string,
  { size: [height, width], channels, fit, maxPixels, maxFileBytes }: ImageSettings,
): Promise<Tensor> {
  const bytes = await readImage(where, file, maxFileBytes);
  let decoded: Decoded;
  try {
    decoded = await sharp(bytes, {
      failOn: 'error',
      limitInputPixels: maxPixels,
      sequentialRead: true,
    })
      .autoOrient()
      .removeAlpha()
      .resize(width, height, { fit, background: 'black' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
  } catch (cause) {
    throw formatError(where, file, 0, reasonOf(cause), cause);
  }
  const { data, info } = decoded;
  const count = height * width;
  if (info.channels !== 3 || data.length !== 3 * count) {
    const shape = `${info.width} x ${info.height} x ${info.channels}`;
    throw formatError(where, file, 0, `decoded to ${shape} and not to ${width} x ${height} x 3`);
  }
  const pixels = channels === 1 ? greyOf(data, count) : planesOf(data, count);
  return new Tensor(pixels, [channels, height, width], 'uint8');
}
