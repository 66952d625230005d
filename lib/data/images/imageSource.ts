import { StridenetError } from '../../errors.ts';
import type { Sample, SampleSource } from '../sample.ts';
import { decodeImage, type ImageSettings } from './decode.ts';
import { loadSharp } from './sharp.ts';

/** Image files and their class numbers. */
export interface LabelledFiles {
  readonly files: readonly string[];
  readonly labels: Int32Array;
  readonly classNames: readonly string[] | null;
}

const brokenCodes: readonly string[] = ['ERR_FILE_FORMAT', 'ERR_FILE_NOT_FOUND', 'ERR_FILE_ACCESS'];

/** Samples that are decoded when they are asked for. Throws ERR_PACKAGE_NOT_FOUND without sharp. */
export async function imageSource(
  where: string,
  { files, labels, classNames }: LabelledFiles,
  settings: ImageSettings,
): Promise<SampleSource> {
  const { onBroken } = settings;
  const sharp = await loadSharp(where);
  const broken = new Set<number>();
  const get = async (index: number): Promise<Sample | null> => {
    if (broken.has(index)) return null;
    const file = files[index] as string;
    try {
      const x = await decodeImage(where, sharp, file, settings);
      return { x, y: labels[index] as number };
    } catch (error) {
      const isBroken = error instanceof StridenetError && brokenCodes.includes(error.code);
      if (!isBroken) throw error;
      if (onBroken === 'throw') {
        const message = `${error.message}; with onBroken=skip such files are left out`;
        throw new StridenetError(error.code, message, { cause: error });
      }
      if (broken.has(index)) return null;
      broken.add(index);
      if (onBroken !== 'skip') onBroken({ file, index, error, count: broken.size });
      return null;
    }
  };
  return {
    length: files.length,
    mayDrop: onBroken !== 'throw',
    get,
    labelOf: (index) => labels[index],
    ...(classNames === null ? {} : { classNames }),
  };
}
