import { safetensorsParts } from '../../lib/data/safetensors.ts';
import { readingSafetensors } from '../../lib/data/safetensorsFile.ts';
import type { Tensor } from '../../lib/index.ts';

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
