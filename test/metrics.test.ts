import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';

const seed = 20_240;

/** Random outputs (N,C) with ties, and labels. */
function classified(samples: number, classes: number): { outputs: sn.Tensor; labels: sn.Tensor } {
  const random = new sn.Generator(seed, `metrics/${samples}x${classes}`);
  const outputs = sn.zeros([samples, classes]);
  for (let i = 0; i < outputs.size; i++) outputs.data[i] = random.integer(8) / 8;
  const labels = sn.zeros([samples], 'int32');
  // The last class is never a label.
  for (let n = 0; n < samples; n++) labels.data[n] = random.integer(classes - 1);
  return { outputs, labels };
}

function rows(tensor: sn.Tensor, start: number, end: number): sn.Tensor {
  const width = tensor.size / (tensor.shape[0] as number);
  const data = tensor.data.slice(start * width, end * width);
  return sn.tensor(data, [end - start, ...tensor.shape.slice(1)], tensor.dtype);
}

/** The result over batches that begin at `cuts`. */
function over(
  metric: sn.Metric,
  outputs: sn.Tensor,
  labels: sn.Tensor,
  cuts: readonly number[] = [0],
): unknown {
  const accumulator = metric.create();
  const samples = outputs.shape[0] as number;
  cuts.forEach((start, i) => {
    const end = cuts[i + 1] ?? samples;
    accumulator.add(rows(outputs, start, end), rows(labels, start, end));
  });
  return accumulator.result();
}

/** The class of each row by a stable sort: largest first, of equals the first. */
function order(outputs: sn.Tensor, n: number): number[] {
  const [, classes = 0] = outputs.shape;
  const row = [...outputs.data.slice(n * classes, (n + 1) * classes)];
  return row.map((_, c) => c).sort((a, b) => (row[b] as number) - (row[a] as number));
}

describe('metrics by the textbook', () => {
  const classes = 7;
  const { outputs, labels } = classified(300, classes);
  const guesses = Array.from({ length: 300 }, (_, n) => order(outputs, n)[0] as number);
  const truth = [...labels.data];
  const count = (test: (n: number) => boolean): number => truth.filter((_, n) => test(n)).length;

  it('accuracy and top-k', () => {
    expect(over(sn.metrics.accuracy(), outputs, labels)).toBe(
      count((n) => guesses[n] === truth[n]) / 300,
    );
    for (const k of [1, 2, 3, 6, 7]) {
      const metric = sn.metrics.topK(k);
      expect(metric.name).toBe(`top${k}`);
      const right = count((n) =>
        order(outputs, n)
          .slice(0, k)
          .includes(truth[n] as number),
      );
      expect(over(metric, outputs, labels)).toBe(right / 300);
    }
  });

  it('the confusion matrix', () => {
    const matrix = over(sn.metrics.confusionMatrix(), outputs, labels) as number[][];
    for (let c = 0; c < classes; c++) {
      for (let d = 0; d < classes; d++) {
        expect(matrix[c]?.[d]).toBe(count((n) => truth[n] === c && guesses[n] === d));
      }
    }
  });

  it('precision, recall and f1 of each class', () => {
    for (let c = 0; c < classes; c++) {
      const right = count((n) => truth[n] === c && guesses[n] === c);
      const predicted = count((n) => guesses[n] === c);
      const labelled = count((n) => truth[n] === c);
      const p = predicted === 0 ? 0 : right / predicted;
      const r = labelled === 0 ? 0 : right / labelled;
      const f = p + r === 0 ? 0 : (2 * p * r) / (p + r);
      for (const [kind, expected] of [
        ['precision', p],
        ['recall', r],
        ['f1', f],
      ] as const) {
        const alone = over(sn.metrics[kind]({ class: c }), outputs, labels);
        expect(alone, `${kind} of ${c}`).toBeCloseTo(expected, 14);
        const all = over(sn.metrics[kind]({ average: 'none' }), outputs, labels) as number[];
        expect(all[c], `${kind} of ${c}`).toBe(alone);
      }
    }
  });
});

describe('metrics by hand', () => {
  // By scikit-learn's definitions: classes 0, 1 and 2 are labels, 3 is only predicted, 4 neither.
  const truth = [0, 0, 0, 0, 1, 1, 2, 2, 2, 2];
  const guess = [0, 0, 1, 3, 1, 0, 2, 2, 0, 2];
  const outputs = sn.zeros([10, 5]);
  guess.forEach((c, n) => {
    outputs.data[n * 5 + c] = 1;
  });
  const labels = sn.tensor(truth, [10], 'uint8');
  // right 2, 1, 3, 0; predicted 4, 2, 3, 1; labelled 4, 2, 4, 0
  const [p, r] = [
    [2 / 4, 1 / 2, 3 / 3, 0],
    [2 / 4, 1 / 2, 3 / 4, 0],
  ] as const;
  const f = [4 / 8, 2 / 4, 6 / 7, 0] as const;
  const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / 4;
  const weighted = (v: readonly number[]): number =>
    (4 * (v[0] as number) + 2 * (v[1] as number) + 4 * (v[2] as number)) / 10;

  it.each([
    ['precision', p],
    ['recall', r],
    ['f1', f],
  ] as const)('%s', (kind, values) => {
    const make = sn.metrics[kind];
    expect(over(make(), outputs, labels)).toBeCloseTo(mean(values), 14);
    expect(over(make({ average: 'weighted' }), outputs, labels)).toBeCloseTo(weighted(values), 14);
    expect(over(make({ average: 'micro' }), outputs, labels)).toBeCloseTo(6 / 10, 14);
    expect(over(make({ average: 'none' }), outputs, labels)).toEqual([...values, 0]);
  });

  it('take targets of the outputs’ shape, of which the first largest counts', () => {
    const targets = sn.zeros([10, 5]);
    truth.forEach((c, n) => {
      targets.data[n * 5 + c] = 1;
    });
    for (const metric of [sn.metrics.accuracy(), sn.metrics.topK(2), sn.metrics.f1()]) {
      expect(over(metric, outputs, targets)).toBe(over(metric, outputs, labels));
    }
  });

  it('take one probability for two classes', () => {
    const one = sn.tensor([0.1, 0.5, 0.51, 0.9], [4, 1]);
    const targets = sn.tensor([0, 1, 1, 0], [4, 1]);
    const numbers = sn.tensor([0, 1, 1, 0], [4], 'int32');
    for (const each of [targets, numbers]) {
      expect(over(sn.metrics.confusionMatrix(), one, each)).toEqual([
        [1, 1],
        [1, 1],
      ]);
      expect(over(sn.metrics.accuracy(), one, each)).toBe(0.5);
      expect(over(sn.metrics.precision({ class: 1 }), one, each)).toBe(0.5);
    }
  });

  it('take a NaN for the largest', () => {
    const wrong = sn.tensor([0.9, Number.NaN, 0.1, 0.9, Number.NaN, 0.1], [2, 3]);
    const given = sn.tensor([0, 1], [2], 'int32');
    expect(over(sn.metrics.accuracy(), wrong, given)).toBe(0.5);
    expect(over(sn.metrics.topK(1), wrong, given)).toBe(0.5);
    expect(over(sn.metrics.topK(2), wrong, given)).toBe(1);
  });

  it('means of errors and of a function', () => {
    const predicted = sn.tensor([1, 2, 3, 4], [2, 2], 'float64');
    const targets = sn.tensor([1, 0, 0, 6], [2, 2], 'float64');
    expect(over(sn.metrics.squaredError(), predicted, targets)).toBe((0 + 4 + 9 + 4) / 4);
    expect(over(sn.metrics.absoluteError(), predicted, targets)).toBe((0 + 2 + 3 + 2) / 4);
    const first = sn.metrics.mean(
      'first',
      (output, label) => (output[0] as number) + (label[1] as number),
    );
    expect(first.name).toBe('first');
    expect(over(first, predicted, targets)).toBe((1 + 0 + 3 + 6) / 2);
  });
});

describe('metrics', () => {
  const { outputs, labels } = classified(97, 5);
  const targets = sn.tensor(
    outputs.data.map((value) => 1 - value * value),
    [97, 5],
  );
  const all: readonly [string, sn.Metric, sn.Tensor][] = [
    ['accuracy', sn.metrics.accuracy(), labels],
    ['top3', sn.metrics.topK(3), labels],
    ['f1', sn.metrics.f1(), labels],
    ['precision', sn.metrics.precision({ average: 'weighted' }), labels],
    ['recall', sn.metrics.recall({ average: 'none' }), labels],
    ['confusionMatrix', sn.metrics.confusionMatrix(), labels],
    ['squaredError', sn.metrics.squaredError(), targets],
    ['absoluteError', sn.metrics.absoluteError(), targets],
    ['mean', sn.metrics.mean('own', ([a = 0], [b = 0]) => a / 3 + b / 7), targets],
  ];

  it('are all tried', () => {
    const kinds = new Set(all.map(([kind]) => kind.replace(/^top\d/, 'topK')));
    expect([...kinds].sort()).toEqual(Object.keys(sn.metrics).sort());
  });

  it.each(all)('%s: the batches change no bit', (_, metric, given) => {
    const whole = over(metric, outputs, given);
    for (const cuts of [[0, 1], [0, 50, 90], Array.from({ length: 97 }, (_, n) => n)]) {
      expect(over(metric, outputs, given, cuts)).toEqual(whole);
    }
  });

  it.each(all)('%s: says of no samples that there are none', (_, metric) => {
    const result = metric.create().result();
    expect(Array.isArray(result) ? result : [result]).toEqual(
      Array.isArray(result) ? [] : [Number.NaN],
    );
  });

  it.each(all)('%s: refuses what does not fit, and goes on', (_, metric, given) => {
    const accumulator = metric.create();
    accumulator.add(outputs, given);
    const before = accumulator.result();
    const wrong: [unknown, unknown][] = [
      [rows(outputs, 0, 5), given],
      [outputs, [1]],
      [null, given],
      [sn.zeros([]), given],
    ];
    for (const [a, b] of wrong) {
      expect(() => accumulator.add(a as sn.Tensor, b as sn.Tensor)).toThrow(sn.StridenetError);
    }
    expect(accumulator.result()).toEqual(before);
  });

  it.each(all.slice(0, 6))('%s: names wrong labels', (_, metric) => {
    const accumulator = metric.create();
    const wrong = labels.clone();
    wrong.data[41] = 5;
    expect(() => accumulator.add(outputs, wrong)).toThrow(/sample 41 to be from 0 to 4/);
    expect(() => accumulator.add(outputs, labels.to('float32'))).toThrow(
      expect.objectContaining({ code: 'ERR_DTYPE' }),
    );
    expect(() => accumulator.add(outputs, sn.zeros([97, 4]))).toThrow(
      expect.objectContaining({ code: 'ERR_SHAPE' }),
    );
    expect(() => accumulator.add(sn.zeros([97, 5, 1]), labels)).toThrow(
      expect.objectContaining({ code: 'ERR_SHAPE' }),
    );
  });

  it.each(all.slice(2, 6))('%s: refuses another number of classes later', (_, metric) => {
    const accumulator = metric.create();
    accumulator.add(outputs, labels);
    const call = () => accumulator.add(sn.zeros([97, 6]), labels);
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
  });

  it.each([
    () => sn.metrics.accuracy({ names: 'x' } as object),
    () => sn.metrics.accuracy({ name: '' }),
    () => sn.metrics.accuracy({ name: 'a.b' }),
    () => sn.metrics.accuracy(null as never),
    () => sn.metrics.topK(0),
    () => sn.metrics.topK(1.5),
    () => sn.metrics.topK({ k: 5 } as never),
    () => sn.metrics.precision({ average: 'samples' as 'macro' }),
    () => sn.metrics.precision({ average: 'micro', class: 1 }),
    () => sn.metrics.f1({ class: -1 }),
    () => sn.metrics.recall({ class: 0.5 }),
    () => sn.metrics.mean('x', 5 as never),
    () => sn.metrics.mean(5 as never, () => 1),
    () => sn.metrics.topK(6).create().add(outputs, labels),
    () => sn.metrics.f1({ class: 5 }).create().add(outputs, labels),
    () =>
      sn.metrics
        .mean('x', () => 'much' as never)
        .create()
        .add(outputs, labels),
    () =>
      sn.metrics
        .mean('x', () => {
          throw new Error('no');
        })
        .create()
        .add(outputs, labels),
  ])('refuse %s', (call) => {
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  });
});
