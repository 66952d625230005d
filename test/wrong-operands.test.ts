import { describe, expect, it } from 'vitest';
import { StridenetError } from '../lib/index.ts';
import { functions } from './golden/calls.ts';
import { corruptionsOf } from './wrong/corruptions.ts';
import { validCalls } from './wrong/operators.ts';

/** What a call throws; null when it returns. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
    return null;
  } catch (error) {
    return error;
  }
}

function argumentsOf(name: string): unknown[] {
  const { arguments: rules, options } = validCalls[name] as (typeof validCalls)[string];
  const of = (all: typeof rules): [string, unknown][] =>
    Object.entries(all).map(([key, rule]) => [
      key,
      rule.kind === 'operand' ? rule.tensor : rule.value,
    ]);
  const given = of(rules).map(([, value]) => value);
  return options ? [...given, Object.fromEntries(of(options))] : given;
}

it('every operator is tried', () => {
  expect(Object.keys(functions).filter((name) => !(name in validCalls))).toEqual([]);
});

describe.each(Object.keys(validCalls).filter((name) => name in functions))('%s', (name) => {
  const call = functions[name] as (...operands: unknown[]) => unknown;

  it('takes what is right', () => {
    expect(() => call(...argumentsOf(name))).not.toThrow();
  });

  for (const wrong of corruptionsOf(validCalls[name] as (typeof validCalls)[string])) {
    it(`refuses ${wrong.title}`, () => {
      const error = thrownBy(() => call(...wrong.arguments));
      expect(error).toBeInstanceOf(StridenetError);
      const { code, message } = error as StridenetError;
      expect(wrong.codes, message).toContain(code);
      expect(message).toContain(`[${name}`);
      expect(message).toContain(wrong.named);
    });
  }
});
