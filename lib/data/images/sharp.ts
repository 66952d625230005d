import { StridenetError } from '../../errors.ts';

/** What is used of an image in the making. */
interface Pipeline {
  autoOrient(): Pipeline;
  removeAlpha(): Pipeline;
  resize(
    width: number,
    height: number,
    options: { fit: 'cover' | 'contain' | 'fill'; background: string },
  ): Pipeline;
  toColourspace(name: 'srgb'): Pipeline;
  raw(options: { depth: 'uchar' }): Pipeline;
  toBuffer(options: { resolveWithObject: true }): Promise<Decoded>;
}

/** Pixels one after the other, each of so many channels. */
export interface Decoded {
  readonly data: Uint8Array;
  readonly info: { readonly width: number; readonly height: number; readonly channels: number };
}

/** What is used of the package that decodes images; its own types are there only with it. */
export type Sharp = (
  input: Uint8Array,
  options: { failOn: 'error'; limitInputPixels: number; sequentialRead: boolean },
) => Pipeline;

/**
 * sharp, an optional package, loaded when images are first wanted.
 * @throws ERR_PACKAGE_NOT_FOUND that says how to install it
 */
export async function loadSharp(
  where: string,
  load: () => Promise<{ default: Sharp }> = () => import('sharp'),
): Promise<Sharp> {
  try {
    return (await load()).default;
  } catch (cause) {
    const reason = String((cause as Error).message).split('\n')[0];
    throw new StridenetError(
      'ERR_PACKAGE_NOT_FOUND',
      `[${where}] needs the package sharp, which decodes images and could not be loaded (${reason}): npm install sharp`,
      { cause },
    );
  }
}
