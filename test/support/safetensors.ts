import type { Tensor } from '../../lib/index.ts';
import { safetensorsParts } from '../../lib/train/safetensors.ts';
import { readingSafetensors } from '../../lib/train/safetensorsFile.ts';

/** The bytes of a safetensors file. */
export function encodeSafetensors(...file: Parameters<typeof safetensorsParts>): Uint8Array {
  return Buffer.concat(safetensorsParts(...file));
}

/** All that a safetensors file holds. */
export function readSafetensors(
  path: string,
): Promise<{ tensors: Map<string, Tensor>; metadata: ReadonlyMap<string, string> }> {
  return readingSafetensors(path, async (file) => ({
    tensors: await file.tensors(),
    metadata: file.metadata,
  }));
}
