import { afterAll, describe, expect, it } from 'vitest';
import { evaluate } from '../lib/backends/evaluate.ts';
import { cpuInfo } from '../lib/index.ts';
import { operators } from '../lib/ops/index.ts';
import { need } from '../lib/ops/operator.ts';
import { referenceKernels } from '../lib/reference/index.ts';
import { sameShape } from '../lib/shape.ts';
import { allocate, Tensor } from '../lib/tensor.ts';
import { attributesOf, type Case, makeInputs } from './cases/case.ts';
import { families } from './cases/index.ts';
import { differingBit, type Expectation, expectation, judge, rowOf } from './support/judge.ts';
import { operatorNamed } from './support/oracle.ts';
import { ErrorTable } from './support/table.ts';

const { isas } = cpuInfo();
const dtypes = ['float32', 'float64'] as const;
const table = new ErrorTable();
const cases = Object.values(families).flatMap((family) => family.cases);

afterAll(() => {
  console.log(`native against the reference on ${isas.join(', ')}\n${table}`);
});

describe('the four rooms', () => {
  it('have the same operators', () => {
    const named = [...operators.keys()].sort();
    expect([...referenceKernels.keys()].sort()).toEqual(named);
    expect([...new Set(cases.map(({ operator }) => operator))].sort()).toEqual(named);
  });

  it('find an addon, so that native kernels are really tried', () => {
    expect(isas).toContain('portable');
  });
});

/** Every sample computed alone has the bits that it has in its batch. */
function expectSamplesAlone(
  tried: Case,
  inputs: readonly (Tensor | null)[],
  outputs: readonly Tensor[],
  dtype: (typeof dtypes)[number],
  isa: string,
): void {
  const batched = tried.perSample ?? [];
  const N = inputs[batched[0] ?? -1]?.shape[0] ?? 0;
  if (N < 2) return;
  for (const n of new Set([0, N - 1])) {
    const alone = inputs.map((input, i) =>
      input && batched.includes(i) ? rowOf(input, n) : input,
    );
    const result = evaluate(operatorNamed(tried.operator), alone, attributesOf(tried, dtype), {
      backend: 'native',
      isa,
      threads: 1,
    });
    // An output of the same shape whatever the number of samples depends on none of them.
    const rows = outputs.map((output, o) =>
      sameShape(output.shape, need(result[o]).shape) ? output : rowOf(output, n),
    );
    expect(differingBit(result, rows), `sample ${n} alone on ${isa}`).toBeNull();
  }
}

/** The same values, one element off the alignment of their memory, between numbers that are none. */
function shifted(tensor: Tensor | null): Tensor | null {
  if (tensor === null) return null;
  const longer = allocate(tensor.dtype, tensor.size + 2).fill(Number.NaN);
  longer.set(tensor.data, 1);
  return new Tensor(longer.subarray(1, tensor.size + 1), tensor.shape, tensor.dtype);
}

/** NaN in place of every floating value; scalars such as step numbers stay. */
function poisoned(tensor: Tensor | null): Tensor | null {
  if (!tensor?.dtype.startsWith('float') || tensor.shape.length === 0) return tensor;
  return new Tensor(tensor.data.slice().fill(Number.NaN), tensor.shape, tensor.dtype);
}

function tryNative(
  tried: Case,
  dtype: (typeof dtypes)[number],
  inputs: readonly (Tensor | null)[],
  expected: Expectation,
): void {
  const operator = operatorNamed(tried.operator);
  const attributes = attributesOf(tried, dtype);
  for (const isa of isas) {
    const run = (threads: number, operands = inputs) =>
      evaluate(operator, operands, attributes, { backend: 'native', isa, threads });
    const once = run(1);
    const { worst, where } = judge(once, expected);
    table.add(tried.operator, dtype, tried.title, worst);
    expect(worst, `${isa}: ${where}`).toBeLessThanOrEqual(1);
    if (tried.operator !== 'checkFinite') run(1, inputs.map(poisoned));
    const again = run(1, inputs.map(shifted));
    expect(differingBit(again, once), `after a run on NaN, unaligned, on ${isa}`).toBeNull();
    for (const threads of [2, 3, 8]) {
      expect(differingBit(run(threads), once), `${threads} threads on ${isa}`).toBeNull();
    }
    expectSamplesAlone(tried, inputs, once, dtype, isa);
  }
}

describe.each(Object.keys(families))('%s', (name) => {
  for (const tried of need(families[name]).cases) {
    for (const dtype of dtypes) {
      it(`${tried.operator} ${dtype}: ${tried.title} (seed ${tried.seed})`, () => {
        const inputs = makeInputs(tried, dtype);
        const before = inputs.map((input) => input?.clone() ?? null);
        const expected = expectation(tried, inputs, dtype);
        const options = { backend: 'reference' } as const;
        const operator = operatorNamed(tried.operator);
        const own = evaluate(operator, inputs, attributesOf(tried, dtype), options);
        const { worst, where } = judge(own, expected);
        expect(worst, `reference: ${where}`).toBeLessThanOrEqual(1);
        tryNative(tried, dtype, inputs, expected);
        for (const [i, input] of inputs.entries()) {
          if (input) expect(differingBit([input], [before[i] as Tensor]), `input ${i}`).toBeNull();
        }
      });
    }
  }
});
