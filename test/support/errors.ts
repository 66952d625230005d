import { expect } from 'vitest';
import type { ErrorCode, Tensor } from '../../lib/index.ts';

/** Matches an error of that code whose message holds the words in their order. */
export function failsWith(code: ErrorCode, ...words: string[]): Error {
  const message = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*');
  return expect.objectContaining({ code, message: expect.stringMatching(message) });
}

/** Cuts a tensor off its memory. */
export function detach(tensor: Tensor): Tensor {
  structuredClone(tensor.data.buffer, { transfer: [tensor.data.buffer as ArrayBuffer] });
  return tensor;
}
