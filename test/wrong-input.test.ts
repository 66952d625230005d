import { describe, expect, it } from 'vitest';
import { evaluate } from '../lib/backends/evaluate.ts';
import { cpuInfo, type ErrorCode, ops, StridenetError } from '../lib/index.ts';
import { makeInputs } from './cases/case.ts';
import { families } from './cases/index.ts';
import { operatorNamed } from './support/oracle.ts';

const { isas } = cpuInfo();
const backends = [
  { backend: 'reference' as const },
  ...isas.flatMap((isa) => [1, 3].map((threads) => ({ backend: 'native' as const, isa, threads }))),
];

function expectRefused(call: () => unknown, code: ErrorCode, message: readonly string[]): void {
  let thrown: unknown = null;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(StridenetError);
  expect((thrown as StridenetError).code, String(thrown)).toBe(code);
  for (const part of message) expect((thrown as StridenetError).message).toContain(part);
}

const withWrong = Object.entries(families).filter(
  ([, { wrongCalls, wrongData }]) => wrongCalls.length + wrongData.length > 0,
);

describe.each(withWrong)('wrong input of %s', (_, { wrongCalls, wrongData }) => {
  for (const { operator, title, call, code, message } of wrongCalls) {
    it(`${operator} refuses ${title} with ${code}`, () => {
      expectRefused(() => call(ops), code, message);
    });
  }

  for (const wrong of wrongData) {
    it(`${wrong.title} is ${wrong.code}`, () => {
      for (const dtype of ['float32', 'float64'] as const) {
        const inputs = makeInputs({ inputs: wrong.inputs, seed: 1 }, dtype);
        const operator = operatorNamed(wrong.operator);
        for (const options of backends) {
          const call = () => evaluate(operator, inputs, wrong.attributes, options);
          expectRefused(call, wrong.code, wrong.message);
        }
      }
    });
  }
});
