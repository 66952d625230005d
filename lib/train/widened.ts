import type { DType } from '../tensor.ts';

/** An element type that other programs write, and what holds its values here. */
export interface Widened {
  readonly dtype: DType;
  readonly bytes: number;
  /** The value at a byte offset, little-endian. */
  read(view: DataView, offset: number): number;
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

/** By their codes in safetensors. An int64 out of the range of int32 has no place here. */
export const widened: Readonly<Record<string, Widened>> = {
  F16: { dtype: 'float32', bytes: 2, read: (view, at) => half(view.getUint16(at, true)) },
  BF16: { dtype: 'float32', bytes: 2, read: (view, at) => upperHalf(view.getUint16(at, true)) },
  I64: { dtype: 'int32', bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
};
