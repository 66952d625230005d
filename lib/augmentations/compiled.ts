import { argumentError, StridenetError, within } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import type { Operand, Spec } from '../ops/operator.ts';
import { Generator } from '../random.ts';
import { elementCount } from '../shape.ts';
import { allocate, type TypedArray } from '../tensor.ts';
import type { Augmentation, Batch, SampleSpec, Stage } from './augmentation.ts';
import { brightness, colourStage, contrast } from './colour.ts';
import { cutout, cutoutStage } from './cutout.ts';
import { affine, flipHorizontal, flipVertical, padCrop, rotate, shift } from './geometry.ts';
import { fitTogether, type Geometry, geometryOf } from './maps.ts';
import { mixup, mixupStage } from './mixup.ts';
import { warpStage } from './warp.ts';

const makers: ReadonlyMap<string, (options: never) => Augmentation> = new Map(
  Object.entries({
    ...{ flipHorizontal, flipVertical, padCrop, shift, rotate, affine },
    ...{ brightness, contrast, cutout, mixup },
  }),
);

/**
 * The augmentations of a list, each as `sn.augmentations` makes it.
 * @throws ERR_ARGUMENT for what is none
 */
export function checkAugmentations(where: string, list: unknown): readonly Augmentation[] {
  if (!Array.isArray(list)) {
    throw argumentError(where, 'augmentation to be a list of sn.augmentations', list);
  }
  return list.map((entry: unknown, i) => {
    const { kind, options } = (entry ?? {}) as Partial<Augmentation>;
    if (typeof kind !== 'string' || typeof options !== 'object') {
      throw argumentError(where, `augmentation[${i}] to be one of sn.augmentations`, entry);
    }
    const make = makers.get(kind);
    if (make === undefined) throw unknownName(where, 'augmentation', kind, [...makers.keys()]);
    return within(where, () => make(options as never));
  });
}

/** Which batch's parameters are drawn. */
export interface Drawing {
  readonly seed: number;
  /** Counted from 1. */
  readonly epoch: number;
  /** Number of the batch in its epoch, counted from 1. */
  readonly step: number;
}

/** A stage, and the streams that its members draw from. */
interface Placed {
  readonly stage: Stage;
  readonly streams: readonly string[];
}

/** Lists the stages of augmentations; neighbours that move pixels are one. */
function stagesOf(
  where: string,
  list: readonly Augmentation[],
  samples: SampleSpec,
): readonly Placed[] {
  const placed: Placed[] = [];
  const counts = new Map<string, number>();
  let group: { geometry: Geometry; stream: string; kind: string }[] = [];
  const close = (): void => {
    const [first] = group;
    if (first === undefined) return;
    const geometries = group.map(({ geometry }) => geometry);
    const stage = warpStage(`${where}, ${first.kind}`, geometries, samples);
    placed.push({ stage, streams: group.map(({ stream }) => stream) });
    group = [];
  };
  for (const augmentation of list) {
    const { kind } = augmentation;
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    const stream = count === 0 ? kind : `${kind}/${count}`;
    const geometry = geometryOf(augmentation);
    if (geometry !== null) {
      if (!group.every((member) => fitTogether(member.geometry, geometry))) close();
      group.push({ geometry, stream, kind });
      continue;
    }
    close();
    const named = `${where}, ${kind}`;
    const stage =
      colourStage(augmentation, samples) ??
      cutoutStage(named, augmentation, samples) ??
      mixupStage(named, augmentation, samples);
    if (stage === null) {
      throw new StridenetError('ERR_ARGUMENT', `[${where}] has no stage for '${kind}'`);
    }
    placed.push({ stage, streams: [stream] });
  }
  close();
  return placed;
}

/**
 * Augmentations one after the other, for batches of such samples: what they are fed, how that is
 * drawn, what they do in operators.
 */
export class Augmentations {
  readonly #stages: readonly Placed[];

  /**
   * @param where what messages begin with
   * @throws ERR_ARGUMENT for what is no augmentation, ERR_SHAPE for one that does not fit the samples
   */
  constructor(where: string, list: unknown, samples: SampleSpec) {
    this.#stages = stagesOf(where, checkAugmentations(where, list), samples);
  }

  /** What is fed for batches of at most so many samples. */
  inputs(batch: number): readonly Spec[] {
    return this.#stages.flatMap(({ stage }) => stage.inputs(batch));
  }

  /** The batch changed, given its inputs. */
  trace(batch: Batch, inputs: readonly Operand[]): Batch {
    let at = 0;
    return this.#stages.reduce((changed, { stage }) => {
      const own = inputs.slice(at, at + stage.inputs(0).length);
      at += own.length;
      return stage.trace(changed, own);
    }, batch);
  }

  /**
   * Draws the inputs of one batch: functions of the seed, the batch's epoch and step, the
   * augmentation (its kind, and how many of that kind are before it) and the sample's place in the
   * batch; partners of a mixup also of the number of samples.
   *
   * @param into an array an input, which has room for them
   */
  draw({ seed, epoch, step }: Drawing, samples: number, into: readonly TypedArray[]): void {
    let at = 0;
    for (const { stage, streams } of this.#stages) {
      const own = into.slice(at, at + stage.inputs(0).length);
      at += own.length;
      const stream = (member: number): Generator =>
        new Generator(seed, `augment/${epoch}/${step}/${streams[member]}`);
      stage.draw(stream, samples, own);
    }
  }

  /**
   * The feeds of batches that follow each other from `first` on, each of its number of samples,
   * stacked at the stride of `batch`.
   */
  feeds(first: Drawing, sizes: ArrayLike<number>, batch: number): TypedArray[] {
    const lengths = this.inputs(batch).map(({ shape }) => elementCount(shape));
    const arrays = this.inputs(batch).map(({ dtype }, i) => {
      return allocate(dtype, sizes.length * (lengths[i] as number));
    });
    for (let i = 0; i < sizes.length; i++) {
      const parts = arrays.map((array, input) => {
        const length = lengths[input] as number;
        return array.subarray(i * length, (i + 1) * length);
      });
      this.draw({ ...first, step: first.step + i }, sizes[i] as number, parts);
    }
    return arrays;
  }
}
