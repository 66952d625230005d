import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { ScheduleRun } from '../lib/schedules/run.ts';
import { type GoldenCase, loadGolden, type ScheduleAttributes } from './golden/load.ts';

type Maker = (options: object) => sn.Schedule;

function make(kind: string, options: Readonly<Record<string, unknown>>): sn.Schedule {
  const maker = (sn.schedules as unknown as Record<string, Maker>)[kind] as Maker;
  const { next } = options;
  if (next === undefined) return maker(options);
  return maker({ ...options, next: make(...(next as [string, Record<string, unknown>])) });
}

/** A moment of a training whose length is known. */
function moment(step: number, stepsPerEpoch: number, epochs: number): sn.Moment {
  const steps = stepsPerEpoch * epochs;
  return { step, epoch: step / stepsPerEpoch, steps, epochs, stepsPerEpoch };
}

/** The factors of a golden case by the library. */
function factorsOf({ attributes, inputs, outputs }: GoldenCase<ScheduleAttributes>): number[] {
  const { schedule, options, unit, stepsPerEpoch, epochs } = attributes;
  const run = new ScheduleRun(make(schedule, options));
  const values = inputs.values?.data;
  return Array.from(outputs.factors?.data ?? [], (_, i) => {
    if (values !== undefined && i > 0) {
      const value = values[i - 1] as number;
      run.observe({ 'validation.loss': value, 'validation.accuracy': value, own: value });
    }
    return run.factor(moment(unit === 'steps' ? i : i * stepsPerEpoch, stepsPerEpoch, epochs));
  });
}

describe('schedules as PyTorch has them', () => {
  const cases = loadGolden('schedules').map((golden) => [golden.name, golden] as const);

  it('are all tried', () => {
    const kinds = new Set(cases.map(([, { attributes }]) => attributes.schedule));
    expect([...kinds].sort()).toEqual(Object.keys(sn.schedules).sort());
  });

  it.each(cases)('%s', (_, golden) => {
    const expected = [...(golden.outputs.factors?.data ?? [])];
    const found = factorsOf(golden);
    expect(new Set(expected).size).toBeGreaterThan(
      golden.attributes.schedule === 'constant' ? 0 : 1,
    );
    found.forEach((factor, i) => {
      const distance = Math.abs(factor - (expected[i] as number));
      expect(distance, `factor ${i}`).toBeLessThanOrEqual(1e-14);
    });
  });
});

describe('schedules', () => {
  it('in epochs hold within an epoch where they go in steps, and fall with every step else', () => {
    const falls = (schedule: sn.Schedule): number =>
      new Set(Array.from({ length: 12 }, (_, i) => schedule.factor(moment(i, 4, 3), {}))).size;
    expect(falls(sn.schedules.step({ epochs: 1 }))).toBe(3);
    expect(falls(sn.schedules.multiStep({ epochs: [2] }))).toBe(2);
    expect(falls(sn.schedules.piecewise({ epochs: [0, 1], factors: [1, 0.5] }))).toBe(2);
    expect(falls(sn.schedules.cosine({ epochs: 3 }))).toBe(12);
    expect(falls(sn.schedules.exponential({ factor: 0.9 }))).toBe(12);
  });

  it('keep to their ends behind them', () => {
    const late = moment(1000, 10, 100);
    expect(sn.schedules.cosine({ steps: 50, minimum: 0.25 }).factor(late, {})).toBe(0.25);
    expect(sn.schedules.polynomial({ steps: 50, power: 0 }).factor(late, {})).toBe(0);
    expect(sn.schedules.oneCycle({ epochs: 5, to: 0.125 }).factor(late, {})).toBe(0.125);
    const lines = { factors: [0.5, 2], interpolation: 'linear' } as const;
    expect(sn.schedules.piecewise({ steps: [10, 20], ...lines }).factor(late, {})).toBe(2);
    expect(sn.schedules.piecewise({ steps: [10, 20], ...lines }).factor(moment(3, 1, 9), {})).toBe(
      0.5,
    );
  });

  it('count whole epochs where their length is not known', () => {
    const unknown = { steps: null, epochs: 10, stepsPerEpoch: null };
    const { factor } = sn.schedules.cosine();
    expect(factor({ ...unknown, step: 17, epoch: 5 }, {})).toBeCloseTo(0.5, 15);
    const warm = sn.schedules.warmUp({ epochs: 2, next: sn.schedules.polynomial() });
    expect(warm.factor({ ...unknown, step: 100, epoch: 6 }, {})).toBeCloseTo(0.5, 15);
  });

  it.each([
    ['the length of the training', sn.schedules.cosine()],
    ['the length after a warm-up', sn.schedules.warmUp({ epochs: 1, next: sn.schedules.cosine() })],
    [
      'epochs after steps',
      sn.schedules.warmUp({ steps: 5, next: sn.schedules.step({ epochs: 2 }) }),
    ],
    [
      'steps after epochs',
      sn.schedules.warmUp({ epochs: 1, next: sn.schedules.step({ steps: 2 }) }),
    ],
  ])('say when %s cannot be known', (_, schedule) => {
    const unknown = { step: 50, epoch: 7, epochs: null, stepsPerEpoch: null };
    const steps = schedule.kind === 'cosine' ? null : 100;
    expect(() => schedule.factor({ ...unknown, steps }, {})).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        message: expect.stringMatching(/not known/),
      }),
    );
  });

  it('are plain data that makes them again', () => {
    const schedule = sn.schedules.warmUp({ steps: 5, from: 0.1, next: sn.schedules.cosine() });
    expect(JSON.parse(JSON.stringify(schedule))).toEqual({
      kind: 'warmUp',
      options: { steps: 5, from: 0.1, next: { kind: 'cosine', options: { minimum: 0 } } },
    });
    for (const { attributes } of loadGolden('schedules')) {
      const first = make(attributes.schedule, attributes.options);
      const maker = (sn.schedules as unknown as Record<string, Maker>)[first.kind] as Maker;
      expect(JSON.stringify(maker(first.options))).toBe(JSON.stringify(first));
    }
  });

  it('refuse steps and epochs together', () => {
    expect(() => sn.schedules.step({ steps: 5, epochs: 1 })).toThrow(
      /steps or epochs and not both/,
    );
  });
});

describe('a plateau', () => {
  const values = [1, 0.8, 0.9, 0.85, 0.9, Number.NaN, 0.7, 0.75, 0.8, 0.9, 0.95, 1, 1];
  const options = { patience: 1, factor: 0.5, cooldown: 1 };

  it('goes on from its state bit for bit, wherever it is cut', () => {
    const whole = new ScheduleRun(sn.schedules.plateau(options));
    const at = moment(0, 1, 1);
    const factors = values.map((value) => {
      whole.observe({ 'validation.loss': value });
      return whole.factor(at);
    });
    expect(new Set(factors).size).toBeGreaterThan(2);
    for (let cut = 0; cut < values.length; cut++) {
      const [first, second] = [0, 1].map(() => new ScheduleRun(sn.schedules.plateau(options)));
      for (const value of values.slice(0, cut)) first?.observe({ 'validation.loss': value });
      second?.restore(JSON.parse(JSON.stringify(first?.state())));
      const rest = values.slice(cut).map((value) => {
        second?.observe({ 'validation.loss': value });
        return second?.factor(at);
      });
      expect(rest).toEqual(factors.slice(cut));
    }
  });

  it('serves several runs at a time', () => {
    const schedule = sn.schedules.plateau({ patience: 0, factor: 0.5 });
    const [a, b] = [new ScheduleRun(schedule), new ScheduleRun(schedule)];
    for (const value of [1, 2, 3]) a.observe({ 'validation.loss': value });
    expect([a, b].map((run) => run.factor(moment(0, 1, 1)))).toEqual([0.25, 1]);
  });

  it('names what there is when it watches what is not there', () => {
    const run = new ScheduleRun(sn.schedules.plateau({ monitor: 'validation.f1' }));
    for (const call of [() => run.check({ loss: 1 }), () => run.observe({ loss: 1 })]) {
      expect(call).toThrow(/monitor to be one of 'loss' but received 'validation.f1'/);
    }
    expect(() => run.check({ 'validation.f1': 0.5 })).not.toThrow();
  });

  it('asks which way is better where the name does not tell', () => {
    expect(() => sn.schedules.plateau({ monitor: 'perplexity' })).toThrow(/'min' or 'max'/);
    expect(sn.schedules.plateau({ monitor: 'top5' }).options.mode).toBe('max');
    expect(sn.schedules.plateau({ monitor: 'validation.squaredError' }).options.mode).toBe('min');
  });

  it.each([
    null,
    5,
    'state',
    [],
    {},
    { factor: 1, best: null, waited: 0 },
    { factor: '1', best: null, waited: 0, cooling: 0 },
    { factor: 1, best: null, waited: 0, cooling: 0, more: 1 },
    JSON.parse('{"factor":1,"best":null,"waited":0,"__proto__":1}'),
  ])('refuses the state %j', (state) => {
    const run = new ScheduleRun(sn.schedules.plateau());
    expect(() => run.restore(state)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  });
});

describe('a schedule of one’s own', () => {
  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, '1', undefined])(
    'may not give %s',
    (factor) => {
      const run = new ScheduleRun({ kind: 'own', options: {}, factor: () => factor as number });
      expect(() => run.factor(moment(3, 1, 9))).toThrow(/\[fit, schedule\] expected 'own'.*step 4/);
    },
  );
});
