import { describe, expect, it } from 'vitest';
import { Augmentations } from '../lib/augmentations/compiled.ts';
import { cosineAndSine, exponential } from '../lib/augmentations/elementary.ts';
import { geometryOf, type Matrix, product } from '../lib/augmentations/maps.ts';
import { symmetricBeta } from '../lib/augmentations/mixup.ts';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { thrownBy } from './support/ownOperators.ts';

const { augmentations, ops } = sn;
const { apply } = augmentations;

const image = { shape: [1, 9, 12], dtype: 'float32', classes: 10 } as const;

/** Images of different numbers. */
function images(N = 3, C = 2, H = 5, W = 5): sn.Tensor<'float32'> {
  const x = sn.zeros([N, C, H, W]);
  for (let i = 0; i < x.size; i++) x.data[i] = ((7 * i) % 101) + 1;
  return x;
}

/** The parameters that are drawn for one batch. */
function drawn(list: sn.Augmentation[], samples: number, at = {}): sn.TypedArray[] {
  const compiled = new Augmentations('test', list, image);
  return compiled.feeds({ seed: 3, epoch: 1, step: 1, ...at }, [samples], samples);
}

/** How far the mean of n numbers with this variance may be: beyond 5 deviations once in 1.7 million. */
function reach(variance: number, n: number): number {
  return 5 * Math.sqrt(variance / n);
}

function meanOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

describe('augmentations of images', () => {
  const x = images();
  const once = { probability: 1 };

  it.each([
    ['flipHorizontal', augmentations.flipHorizontal(once), ops.flip(x, [3])],
    ['flipVertical', augmentations.flipVertical(once), ops.flip(x, [2])],
    [
      'shift',
      augmentations.shift({ x: [1, 1], y: [-2, -2], fill: 5 }),
      ops.slice(
        ops.pad(
          x,
          [
            [0, 0],
            [0, 0],
            [0, 2],
            [1, 0],
          ],
          { value: 5 },
        ),
        [null, null, [2, 7], [0, 5]],
      ),
    ],
    ['rotate', augmentations.rotate({ degrees: [90, 90] }), ops.rot90(x, { k: 1, axes: [2, 3] })],
    ['a full turn', augmentations.rotate({ degrees: [-720, -720] }), x],
    ['affine', augmentations.affine({ degrees: [180, 180] }), ops.flip(x, [2, 3])],
    ['brightness', augmentations.brightness({ amount: [0.5, 0.5] }), ops.add(x, 0.5)],
    ['contrast of 1', augmentations.contrast({ amount: 0 }), x],
    ['nothing', augmentations.mixup({ probability: 0 }), x],
    ['cutout', augmentations.cutout({ size: [11, 11], value: 2 }), sn.full(x.shape, 2)],
  ] as const)('%s is what its definition says', (_, augmentation, expected) => {
    expect(apply(x, [augmentation])).toEqual(expected);
  });

  it('affine scales and shears about the centre', () => {
    const half = apply(x, [augmentations.affine({ scale: [0.5, 0.5] })]);
    const pixel = (t: sn.Tensor, h: number, w: number) => t.data[h * 5 + w];
    for (const [h, w] of [
      [0, 0],
      [2, 4],
      [4, 0],
      [2, 2],
    ] as const) {
      expect(pixel(half, 1 + h / 2, 1 + w / 2)).toBe(pixel(x, h, w));
    }
    expect(pixel(half, 0, 2)).toBe(0);
    const sheared = apply(x, [augmentations.affine({ shear: [45, 45] })]);
    for (let h = 0; h < 5; h++) {
      for (let w = Math.max(0, h - 2); w < Math.min(5, h + 3); w++) {
        expect(pixel(sheared, h, w)).toBeCloseTo(pixel(x, h, w - (h - 2)) as number, 4);
      }
    }
  });

  it('affine rotates, scales, shears and translates as its forward map says', () => {
    const options = { degrees: [33, 33], scale: [1.25, 1.25], shear: [12, 12], translate: 0 };
    const geometry = geometryOf(augmentations.affine(options as never));
    const m = geometry?.matrix(new Generator(1), 9, 12) as Matrix;
    const [angle, t] = [(33 * Math.PI) / 180, Math.tan((12 * Math.PI) / 180)];
    for (const [row, column] of [
      [0, 0],
      [3, 8],
      [8, 11],
    ] as const) {
      const [h, w] = [(row - 4) * 1.25, (column - 5.5 + t * (row - 4)) * 1.25];
      const p = 4 + h * Math.cos(angle) - w * Math.sin(angle);
      const q = 5.5 + h * Math.sin(angle) + w * Math.cos(angle);
      expect(m[0] * p + m[1] * q + m[2]).toBeCloseTo(row, 12);
      expect(m[3] * p + m[4] * q + m[5]).toBeCloseTo(column, 12);
    }
  });

  it('contrast keeps the mean of every sample', () => {
    const y = apply(x, [augmentations.contrast({ amount: 0.5 })]);
    const means = (t: sn.Tensor) => ops.mean(t, { axis: [1, 2, 3] }).toArray() as number[];
    means(y).forEach((mean, n) => {
      expect(mean).toBeCloseTo(means(x)[n] as number, 3);
    });
    expect(y.data).not.toEqual(x.data);
  });

  it('mixup gives shares of the sample and of another one', () => {
    const flat = sn.tensor([1, 10, 100, 1000], [4, 1]);
    const [partners, shares] = drawn([augmentations.mixup({ alpha: 1 })], 4);
    const y = apply(flat, [augmentations.mixup({ alpha: 1 })], { seed: 3 });
    for (let n = 0; n < 4; n++) {
      const [own, other] = [10 ** n, 10 ** (partners?.[n] as number)];
      const share = shares?.[n] as number;
      expect(y.data[n]).toBeCloseTo(share * own + (1 - share) * other, 3);
    }
  });

  it('uint8 becomes what training takes, and other samples than images have what fits them', () => {
    const pixels = sn.tensor([0, 51, 255, 102], [1, 1, 2, 2], 'uint8');
    const flipped = apply(pixels, [augmentations.flipHorizontal(once)]);
    expect(flipped).toEqual(sn.tensor([0.2, 0, 0.4, 1], [1, 1, 2, 2]));
    const rows = sn.tensor([1, 2, 3, 4], [2, 2], 'float64');
    const brighter = apply(rows, [augmentations.brightness({ amount: [1, 1] })]);
    expect(brighter).toEqual(sn.tensor([2, 3, 4, 5], [2, 2], 'float64'));
    for (const kind of [augmentations.rotate({ degrees: 5 }), augmentations.cutout({ size: 2 })]) {
      const error = thrownBy(() => apply(rows, [kind]));
      expect(error.code).toBe('ERR_SHAPE');
      expect(error.message).toContain(`[apply, ${kind.kind}] needs images (C, H, W)`);
    }
  });

  it('neighbours that move pixels are one map, which loses nothing between them', () => {
    const there = augmentations.shift({ x: [4, 4] });
    const back = augmentations.shift({ x: [-4, -4] });
    expect(apply(x, [there, back])).toEqual(x);
    const other = augmentations.shift({ x: [-4, -4], fill: 1 });
    expect(apply(x, [there, other])).not.toEqual(x);
    const turn = augmentations.rotate({ degrees: [90, 90] });
    const both = apply(x, [turn, augmentations.flipHorizontal(once)]);
    expect(both).toEqual(apply(apply(x, [turn]), [augmentations.flipHorizontal(once)]));
    const first: Matrix = [2, 0, 1, 0, 1, 0];
    expect(product(first, [1, 0, 3, 0, 1, 4])).toEqual([2, 0, 7, 0, 1, 4]);
  });

  it('are plain data, checked where they are used', () => {
    const list = [augmentations.rotate({ degrees: 20 }), augmentations.mixup()];
    const again = JSON.parse(JSON.stringify(list)) as sn.Augmentation[];
    expect(apply(x, again)).toEqual(apply(x, list));
    const wrong: readonly [unknown, string][] = [
      [5, 'a list of sn.augmentations'],
      [[augmentations.rotate], 'augmentation[0]'],
      [[{ kind: 'rotat', options: {} }], "'rotate'"],
      [[{ kind: 'rotate', options: { degrees: 'a' } }], 'degrees'],
      [[{ kind: 'rotate', options: { degrees: 5, angle: 1 } }], "'angle'"],
      [[{ kind: 'toString', options: {} }], 'toString'],
      [[{ kind: 'mixup', options: null }], 'mixup'],
    ];
    for (const [value, part] of wrong) {
      const error = thrownBy(() => apply(x, value as never));
      expect(error.code, part).toBe('ERR_ARGUMENT');
      expect(error.message).toContain(part);
    }
  });
});

describe('what augmentations draw', () => {
  const N = 20_000;

  it('is a function of seed, epoch and step', () => {
    const list = [augmentations.rotate({ degrees: 20 }), augmentations.cutout({ size: 3 })];
    expect(drawn(list, 50)).toEqual(drawn(list, 50));
    for (const other of [{ seed: 4 }, { epoch: 2 }, { step: 2 }]) {
      expect(drawn(list, 50, other)).not.toEqual(drawn(list, 50));
    }
    const compiled = new Augmentations('test', list, image);
    const [two] = compiled.feeds({ seed: 3, epoch: 1, step: 1 }, [8, 5], 8);
    const [second] = compiled.feeds({ seed: 3, epoch: 1, step: 2 }, [5], 8);
    expect(two?.subarray(6 * 8)).toEqual(second);
  });

  it('is the same for a sample whatever comes behind it, and whatever else is drawn', () => {
    const list = [augmentations.rotate({ degrees: 20 }), augmentations.cutout({ size: 3 })];
    const [matrices, boxes] = drawn(list, 50);
    const [fewer] = drawn(list, 10);
    expect(fewer).toEqual(matrices?.slice(0, 60));
    const more = drawn([augmentations.brightness({ amount: 1 }), ...list], 50);
    expect(more.slice(1)).toEqual([matrices, boxes]);
    const twice = drawn([...list, augmentations.cutout({ size: 3 })], 50);
    expect(twice.slice(0, 2)).toEqual([matrices, boxes]);
    expect(twice[2]).not.toEqual(boxes);
  });

  it('flips with its probability', () => {
    for (const probability of [0, 0.1, 0.5, 1]) {
      const [matrices] = drawn([augmentations.flipHorizontal({ probability })], N);
      const flipped = Array.from({ length: N }, (_, n) => (matrices?.[6 * n + 4] === -1 ? 1 : 0));
      const most = reach(probability * (1 - probability), N);
      expect(Math.abs(meanOf(flipped) - probability)).toBeLessThanOrEqual(most);
    }
  });

  it('shifts by every whole number alike, applies with its probability', () => {
    const [matrices] = drawn([augmentations.padCrop({ padding: [1, 2], probability: 0.75 })], N);
    const counts = new Map<string, number>();
    for (let n = 0; n < N; n++) {
      const place = `${matrices?.[6 * n + 2]} ${matrices?.[6 * n + 5]}`;
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
    expect(counts.size).toBe(15);
    for (const [place, count] of counts) {
      const p = place === '0 0' ? 0.25 + 0.75 / 15 : 0.75 / 15;
      expect(Math.abs(count / N - p), place).toBeLessThanOrEqual(reach(p * (1 - p), N));
    }
  });

  it('is uniform in its range', () => {
    const [amounts] = drawn([augmentations.brightness({ amount: [-1, 3] })], N);
    const values = Array.from(amounts ?? []).sort((a, b) => a - b);
    expect(values[0]).toBeGreaterThanOrEqual(-1);
    expect(values.at(-1)).toBeLessThanOrEqual(3);
    // Kolmogorov and Smirnov: beyond 2.7/√N once in a million.
    values.forEach((value, i) => {
      const own = (value + 1) / 4;
      expect(Math.abs(own - i / N)).toBeLessThan(2.7 / Math.sqrt(N) + 1 / N);
    });
    const [matrices] = drawn([augmentations.rotate({ degrees: [10, 60] })], N);
    const angles = Array.from({ length: N }, (_, n) => {
      return (Math.asin(matrices?.[6 * n + 1] as number) * 180) / Math.PI;
    });
    expect(Math.min(...angles)).toBeGreaterThanOrEqual(10 - 1e-9);
    expect(Math.max(...angles)).toBeLessThan(60 + 1e-9);
    expect(Math.abs(meanOf(angles) - 35)).toBeLessThan(reach(50 ** 2 / 12, N));
  });

  it('puts boxes about any pixel alike', () => {
    const [boxes] = drawn([augmentations.cutout({ size: [2, 5] })], N);
    const counts = new Array(9 * 12).fill(0) as number[];
    for (let n = 0; n < N; n++) {
      const [top = 0, left = 0, bottom = 0, right = 0] = boxes?.subarray(4 * n, 4 * n + 4) ?? [];
      expect([bottom - top, right - left]).toEqual([2, 5]);
      counts[(top + 1) * 12 + left + 2] = (counts[(top + 1) * 12 + left + 2] as number) + 1;
    }
    const p = 1 / counts.length;
    for (const count of counts) {
      expect(Math.abs(count / N - p)).toBeLessThanOrEqual(reach(p * (1 - p), N));
    }
  });

  it.each([0.01, 0.2, 0.5, 1, 1.5, 8])('mixes by Beta(%d, %d)', (alpha) => {
    const random = new Generator(5, `beta/${alpha}`);
    const values = Array.from({ length: N }, () => symmetricBeta(alpha, random));
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    // The second and the fourth moment about ½, and the sampling errors of both.
    const variance = 1 / (4 * (2 * alpha + 1));
    const fourth = (3 * variance * variance * (2 * alpha + 1)) / (2 * alpha + 3);
    const squares = values.map((value) => (value - 0.5) ** 2);
    expect(Math.abs(meanOf(values) - 0.5)).toBeLessThan(reach(variance, N));
    expect(Math.abs(meanOf(squares) - variance)).toBeLessThan(reach(fourth - variance ** 2, N));
    const fourths = squares.map((square) => square ** 2);
    expect(Math.abs(meanOf(fourths) - fourth)).toBeLessThan(reach(0.25 ** 4, N));
  });

  it('names each sample of the batch once as a partner', () => {
    for (const samples of [1, 2, 7, 32]) {
      const [partners] = drawn([augmentations.mixup()], samples);
      expect([...(partners ?? [])].sort((a, b) => a - b)).toEqual([...Array(samples).keys()]);
    }
  });

  it('rests on functions as near to Math as their reductions let them', () => {
    for (let degrees = -1000; degrees <= 1000; degrees += 7.3) {
      const [c, s] = cosineAndSine(degrees);
      expect(Math.abs(c - Math.cos((degrees * Math.PI) / 180))).toBeLessThan(1e-14);
      expect(Math.abs(s - Math.sin((degrees * Math.PI) / 180))).toBeLessThan(1e-14);
    }
    expect([0, 90, 180, 270, 360, -90].map(cosineAndSine)).toEqual([
      ...[
        [1, 0],
        [0, 1],
        [-1, 0],
        [0, -1],
        [1, 0],
        [0, -1],
      ],
    ]);
    for (let x = -700; x <= 700; x += 3.7) {
      expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan(2e-13);
    }
  });
});
