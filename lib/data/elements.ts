import type { DType } from '../tensor.ts';

/** An element type that programs write, and what holds its values here. */
export interface ElementType {
  readonly dtype: DType;
  readonly bytes: number;
  /** The value at a byte offset; an int64 beyond 2^53 is rounded, which no int32 equals either. */
  read(view: DataView, offset: number, littleEndian: boolean): number;
}

/** The value of the 16 bits of a half-precision number (IEEE 754 binary16). */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));

/** The value of the upper 16 bits of a float32. */
function upperHalf(bits: number): number {
  word.setUint16(0, bits);
  return word.getFloat32(0);
}

/** Both words of an int64; no BigInt is made for each of millions. */
function int64(view: DataView, at: number, little: boolean, signed: boolean): number {
  const [lowAt, highAt] = little ? [at, at + 4] : [at + 4, at];
  const high = signed ? view.getInt32(highAt, little) : view.getUint32(highAt, little);
  return high * 2 ** 32 + view.getUint32(lowAt, little);
}

/**
 * By their codes in safetensors. Half precision becomes float32, truth values uint8, all other
 * integers int32, where those out of its range have no place (`isExact`).
 */
export const elementTypes: Readonly<Record<string, ElementType>> = {
  F64: { dtype: 'float64', bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
  F32: { dtype: 'float32', bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  F16: { dtype: 'float32', bytes: 2, read: (view, at, little) => half(view.getUint16(at, little)) },
  BF16: {
    dtype: 'float32',
    bytes: 2,
    read: (view, at, little) => upperHalf(view.getUint16(at, little)),
  },
  I64: { dtype: 'int32', bytes: 8, read: (view, at, little) => int64(view, at, little, true) },
  U64: { dtype: 'int32', bytes: 8, read: (view, at, little) => int64(view, at, little, false) },
  I32: { dtype: 'int32', bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  U32: { dtype: 'int32', bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  I16: { dtype: 'int32', bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  U16: { dtype: 'int32', bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  I8: { dtype: 'int32', bytes: 1, read: (view, at) => view.getInt8(at) },
  U8: { dtype: 'uint8', bytes: 1, read: (view, at) => view.getUint8(at) },
  BOOL: { dtype: 'uint8', bytes: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
};

/** Those whose bytes, little-endian, are what a typed array of the dtype holds. */
export const ownCodes = { float32: 'F32', float64: 'F64', int32: 'I32', uint8: 'U8' } as const;
