import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { backends, bits } from './support/networks.ts';

const { layers, losses, optimizers } = sn;
const samples = 40;

/** Numbers in (−1, 1) with neither 0 nor a pattern. */
function numbers(shape: number[], seed: number): sn.Tensor {
  return sn.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(seed + 1.7 * i)),
    shape,
  );
}

const x = numbers([samples, 4], 1);
const binary = sn.tensor(
  Array.from({ length: samples }, (_, n) => ((x.data[4 * n] as number) > 0 ? 1 : 0)),
  [samples, 1],
);

function net(units: number, options: Partial<sn.layers.DenseOptions> = {}, backend = backends[0]) {
  return sn.sequential({
    inputShape: [4],
    seed: 2,
    ...(backend ? { backend } : {}),
    layers: [layers.dense({ units, ...options })],
  });
}

/** What fit, evaluate and fit's validation throw for targets `y`, which nothing is touched by. */
async function refusals(units: number, y: sn.Tensor, loss?: sn.losses.Loss): Promise<string[]> {
  const made = net(units);
  const before = bits(made.parameters());
  const how = loss ? { loss } : {};
  const good = {
    x,
    y: loss ? sn.full([samples, units], 1 / units) : sn.zeros([samples], 'int32'),
  };
  const given = { x, y };
  const seen: string[] = [];
  for (const [where, run] of [
    ['[fit]', () => made.fit(given, how)],
    ['[evaluate]', () => made.evaluate(given, how)],
    ['[fit, validationData]', () => made.fit(good, { ...how, validationData: given })],
  ] as const) {
    const error: unknown = await run().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(sn.StridenetError);
    const { code, message } = error as sn.StridenetError;
    expect(message.startsWith(`${where} `), message).toBe(true);
    seen.push(`${code} ${message.slice(where.length + 1)}`);
  }
  expect(bits(made.parameters())).toBe(before);
  expect(seen[1]).toBe(seen[0]);
  return seen;
}

describe('a loss says what targets it takes', () => {
  const ints = (shape: number[]): sn.Tensor => sn.zeros(shape, 'int32');
  const { squaredError, binaryCrossEntropy, softmaxCrossEntropy } = losses;
  it.each<[string, number, sn.Tensor, sn.losses.Loss, RegExp]>([
    [
      'numbers without their axis',
      1,
      numbers([samples], 1),
      squaredError(),
      /^ERR_SHAPE squaredError needs float32 targets \(M, 1\).* but y is float32 \(40\): sn\.ops\.reshape\(y, \[40, 1\]\)$/,
    ],
    [
      'class numbers for one logit',
      1,
      ints([samples]),
      binaryCrossEntropy(),
      /^ERR_SHAPE binaryCrossEntropy needs float32 targets \(M, 1\).* but y is int32 \(40\): sn\.ops\.reshape\(y\.to\('float32'\), \[40, 1\]\)$/,
    ],
    [
      'class numbers for squares',
      3,
      ints([samples]),
      squaredError(),
      /^ERR_SHAPE squaredError needs float32 targets \(M, 3\).* but y is int32 \(40\); class numbers are for softmaxCrossEntropy$/,
    ],
    [
      'integer targets',
      3,
      ints([samples, 3]),
      losses.huber(),
      /^ERR_DTYPE huber needs float32 targets \(M, 3\).*: convert them by y\.to\('float32'\)$/,
    ],
    [
      'bytes as targets',
      3,
      sn.zeros([samples, 3], 'uint8'),
      losses.absoluteError(),
      /^ERR_DTYPE absoluteError needs .*y\.to\('float32'\), divided by 255/,
    ],
    [
      'class numbers with an axis too many',
      3,
      ints([samples, 1]),
      softmaxCrossEntropy(),
      /^ERR_SHAPE softmaxCrossEntropy needs class numbers \(M\) as int32 or uint8, or float32 targets \(M, 3\), but y is int32 \(40, 1\)$/,
    ],
    [
      'a softmax over one class',
      1,
      binary,
      softmaxCrossEntropy(),
      /^ERR_SHAPE softmaxCrossEntropy of an output \(1\).*binaryCrossEntropy.*squaredError/,
    ],
    [
      'class numbers as floats',
      3,
      numbers([samples], 1),
      softmaxCrossEntropy(),
      /^ERR_DTYPE class numbers \(M\) must be int32 or uint8 but y is float32 \(40\): convert them by y\.to\('int32'\)$/,
    ],
    [
      'any other shape for a loss made by hand',
      3,
      numbers([samples, 2], 1),
      { kind: 'mine', options: {}, takesLogits: false, mean: (p) => sn.ops.mean(p) },
      /^ERR_SHAPE the loss 'mine' needs class numbers .*\(M, 3\), but y is float32 \(40, 2\)$/,
    ],
  ])('and refuses %s', async (_, units, y, loss, message) => {
    const [fit, , validation] = await refusalsOf(units, y, loss);
    expect(fit).toMatch(message);
    if (units > 1) expect(validation).toMatch(message);
  });

  const refusalsOf = async (units: number, y: sn.Tensor, loss: sn.losses.Loss) => {
    const wrongOutput = loss.kind === 'softmaxCrossEntropy' && units === 1;
    if (!wrongOutput) return refusals(units, y, loss);
    const error = await net(units)
      .fit({ x, y }, { loss })
      .then(String, (thrown: sn.StridenetError) => `${thrown.code} ${thrown.message.slice(6)}`);
    return [error];
  };

  it.each([
    ['binaryCrossEntropy', 2, 'from 0 to 1'],
    ['binaryCrossEntropy', -0.5, 'from 0 to 1'],
    ['binaryCrossEntropy', Number.NaN, 'from 0 to 1'],
  ] as const)('%s refuses a target %d and names its sample', async (kind, wrong, range) => {
    const y = sn.full([samples, 3], 0.25);
    y.data[3 * 17 + 1] = wrong;
    const expected = `ERR_ARGUMENT expected the targets of sample 17 to be ${range} for ${kind} but received ${wrong}`;
    expect(await refusals(3, y, losses[kind]())).toEqual([expected, expected, expected]);
  });

  it.each([
    ['a negative one', [1.5, -0.5, 0]],
    ['NaN', [1, Number.NaN, 0]],
    ['an infinite one', [0, Number.POSITIVE_INFINITY, 0]],
    ['numbers', [2, 1, 0.5]],
    ['zeros', [0, 0, 0]],
  ] as const)(
    'softmaxCrossEntropy refuses targets of %s and says what is for numbers',
    async (_, row) => {
      const y = sn.full([samples, 3], 1 / 3);
      y.data.set(row, 3 * 17);
      const received = `[${row.join(', ')}]`;
      const expected = `ERR_ARGUMENT expected the targets of sample 17 to be probabilities, not negative and with a sum of 1, for softmaxCrossEntropy (the default loss; squaredError is for numbers) but received ${received}`;
      const found = await refusals(3, y, losses.softmaxCrossEntropy());
      expect(found).toEqual([expected, expected, expected]);
    },
  );

  it('softmaxCrossEntropy takes targets whose sum is rounded', async () => {
    const y = sn.full([samples, 3], 0.3332);
    const { epochs } = await net(3).fit({ x, y });
    expect(epochs[0]?.loss).toBeGreaterThan(0);
  });

  it.each([
    [
      'no scalar',
      (p: sn.Variable) => p,
      /^\[fit\] the loss 'mine' must give float32 \(\) but gives/,
    ],
    ['nothing of the output', () => sn.full([], 1) as never, /^\[fit\] expected the loss 'mine'/],
    [
      'an operator that fails',
      (p: sn.Variable) => sn.ops.reshape(p, [1]),
      /^\[fit, loss, reshape\]/,
    ],
  ])('and one made by hand that gives %s is named', async (_, mean, message) => {
    const mine: sn.losses.Loss = { kind: 'mine', options: {}, takesLogits: false, mean };
    await expect(net(3).fit({ x, y: ints([samples]) }, { loss: mine })).rejects.toThrow(message);
  });
});

describe.each(backends)('evaluate on %s', (backend) => {
  it('uses the loss of the last fit unless told', async () => {
    const made = net(1, {}, backend);
    const data = { x, y: numbers([samples, 1], 5) };
    const loss = losses.absoluteError();
    const optimizer = optimizers.sgd(0.05);
    const { epochs } = await made.fit(data, { loss, optimizer, validationData: data });
    const own = await made.evaluate(data);
    expect(own).toEqual(epochs[0]?.validation);
    expect(own).toEqual(await made.evaluate(data, { loss }));
    expect(own).not.toEqual(await made.evaluate(data, { loss: losses.squaredError() }));
    await expect(made.evaluate(data, { loss: 'mse' as never })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
    });
  });

  it('takes losses made by hand, with a softmax folded in', async () => {
    const { mean } = losses.softmaxCrossEntropy();
    const mine: sn.losses.Loss = { kind: 'mine', options: {}, takesLogits: true, mean };
    const y = sn.tensor(
      Array.from({ length: samples }, (_, n) => n % 3),
      [samples],
      'int32',
    );
    const made = net(3, { activation: 'softmax' }, backend);
    expect(await made.evaluate({ x, y }, { loss: mine })).toEqual(await made.evaluate({ x, y }));
  });
});

describe.each(backends)('accuracy on %s', (backend) => {
  const oneHot = sn.zeros([samples, 3]);
  for (let n = 0; n < samples; n++) oneHot.data[3 * n + (n % 3)] = 1;
  const classes = sn.tensor(
    Array.from({ length: samples }, (_, n) => n % 3),
    [samples],
    'int32',
  );

  it('is that of the largest output, by class numbers and by rows of one 1', async () => {
    const made = net(3, {}, backend);
    const { accuracy } = await made.evaluate({ x, y: classes });
    expect(accuracy).toBeGreaterThan(0);
    for (const loss of [losses.squaredError(), losses.binaryCrossEntropy()]) {
      const history = await net(3, {}, backend).fit(
        { x, y: oneHot },
        { loss, optimizer: optimizers.sgd(0), validationData: { x, y: oneHot } },
      );
      expect(history.epochs[0]?.accuracy).toBeCloseTo(accuracy as number, 12);
      expect(history.epochs[0]?.validation?.accuracy).toBeCloseTo(accuracy as number, 12);
    }
  });

  it.each([
    ['numbers', numbers([samples, 3], 4)],
    ['zeros', sn.zeros([samples, 3])],
    ['two ones a row', sn.tensor(Array(samples).fill([1, 0, 1]), [samples, 3])],
  ])('is none of %s', async (_, y) => {
    const made = net(3, {}, backend);
    const loss = losses.squaredError();
    expect(Object.keys(await made.evaluate({ x, y }, { loss }))).toEqual(['loss']);
    const events = [];
    for await (const event of made.train({ x, y }, { loss })) events.push(event);
    expect(events.every(({ accuracy }) => accuracy === undefined)).toBe(true);
  });

  it('of one probability: above 0.5 or not', async () => {
    const made = net(1, { activation: 'sigmoid' }, backend);
    const loss = losses.binaryCrossEntropy();
    const { accuracy } = await made.evaluate({ x, y: binary }, { loss });
    const { data } = await made.predict(x);
    const right = binary.data.filter((target: number, n: number) => {
      return (data[n] as number) > 0.5 === (target === 1);
    });
    expect(accuracy).toBe(right.length / samples);
    const soft = await made.evaluate({ x, y: sn.full([samples, 1], 0.3) }, { loss });
    expect(soft.accuracy).toBeUndefined();
  });
});

describe.each(backends)('a final sigmoid on %s', (backend) => {
  const loss = losses.binaryCrossEntropy();
  const data = { x, y: binary };
  const how = { epochs: 40, batchSize: 8, optimizer: optimizers.adam(0.05), loss };

  it('is folded into binaryCrossEntropy, as an option and as a layer', async () => {
    const plain = net(1, {}, backend);
    const expected = await plain.fit(data, how);
    const separate = sn.sequential({
      inputShape: [4],
      seed: 2,
      backend,
      layers: [layers.dense({ units: 1 }), layers.activation('sigmoid')],
    });
    for (const made of [net(1, { activation: 'sigmoid' }, backend), separate]) {
      expect((await made.fit(data, how)).epochs.map(({ loss }) => loss)).toEqual(
        expected.epochs.map(({ loss }) => loss),
      );
      expect(bits(made.parameters())).toBe(bits(plain.parameters()));
      const probabilities = (await made.predict(x)).data;
      (await plain.predict(x)).data.forEach((logit: number, n: number) => {
        expect(probabilities[n]).toBeCloseTo(1 / (1 + Math.exp(-logit)), 5);
      });
    }
    expect(expected.epochs.at(-1)?.accuracy).toBeGreaterThan(0.9);
  });

  it('stays where the loss is another', async () => {
    const made = net(1, { activation: 'sigmoid' }, backend);
    const found = await made.evaluate(data, { loss: losses.squaredError() });
    const { data: p } = await made.predict(x);
    const squares = Array.from(p, (value, n) => (value - (binary.data[n] as number)) ** 2);
    expect(found.loss).toBeCloseTo(squares.reduce((a, b) => a + b, 0) / samples, 5);
  });
});
