import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cpuInfo, gradientCheck, type Operand, type Tensor } from '../lib/index.ts';
import { applyAll, need } from '../lib/ops/operator.ts';
import { attributesOf, type Case, type GradientClaim, makeInputs } from './cases/case.ts';
import { families } from './cases/index.ts';
import { operatorNamed } from './support/oracle.ts';

const { isas } = cpuInfo();
const backends = [
  { backend: 'reference' as const },
  ...isas.map((isa) => ({ backend: 'native' as const, isa })),
];

/** The floating outputs of a case as a function of the inputs that its claim names. */
function functionOf(tried: Case, { inputs: varied, outputs }: GradientClaim) {
  const inputs = makeInputs(tried, 'float64');
  const fn = (...variables: Operand[]): Operand[] => {
    const operands: (Operand | null)[] = [...inputs];
    for (const [v, place] of varied.entries()) operands[place] = need(variables[v]);
    const results = applyAll(
      operatorNamed(tried.operator),
      operands,
      attributesOf(tried, 'float64'),
    );
    return results.filter(
      ({ dtype }, i) => dtype === 'float64' && (outputs === undefined || outputs.includes(i)),
    );
  };
  return { fn, at: varied.map((place) => inputs[place] as Tensor) };
}

const claims = Object.entries(families)
  .map(([name, { cases }]) => ({
    name,
    cases: cases.flatMap((tried) =>
      tried.gradient === undefined ? [] : [{ tried, gradient: tried.gradient }],
    ),
  }))
  .filter(({ cases }) => cases.length > 0);

describe.each(claims)('gradients of $name by central differences', ({ cases }) => {
  for (const { tried, gradient } of cases) {
    it(`${tried.operator}: ${tried.title} (seed ${tried.seed})`, () => {
      const { fn, at } = functionOf(tried, gradient);
      for (const options of backends) {
        // 1e-4: a difference of values near 1 then carries rounding of 1e-12 and a third-order
        // term of 1e-9
        const { maxError, worst } = gradientCheck(fn, at, {
          ...options,
          epsilon: 1e-4,
          seed: tried.seed,
        });
        const place = `${JSON.stringify(options)}: ${JSON.stringify(worst)}`;
        expect(maxError, place).toBeLessThanOrEqual(gradient.tolerance);
      }
    });
  }
});

/** The first case of every operator that has a floating result but no gradient. */
const without = Object.values(families)
  .flatMap(({ cases }) => cases)
  .filter(({ operator }, i, all) => all.findIndex((other) => other.operator === operator) === i)
  .filter((tried) => operatorNamed(tried.operator).gradient === undefined)
  .filter((tried) => {
    const inputs = makeInputs(tried, 'float64');
    const outputs = operatorNamed(tried.operator).infer(inputs, attributesOf(tried, 'float64'));
    return outputs.some(({ dtype }) => dtype === 'float64');
  });

describe('gradients that do not exist', () => {
  it.each(without.map((tried) => [tried.operator, tried] as const))(
    '%s says ERR_NOT_DIFFERENTIABLE',
    (name, tried) => {
      const { fn, at } = functionOf(tried, { inputs: [0], tolerance: 0 });
      expect(() => gradientCheck(fn, at, { backend: 'reference' })).toThrow(
        expect.objectContaining({
          code: 'ERR_NOT_DIFFERENTIABLE',
          message: expect.stringContaining(`[${name}]`),
        }),
      );
    },
  );

  it('are listed in docs/numerics.md', () => {
    const page = readFileSync(new URL('../docs/numerics.md', import.meta.url), 'utf8');
    const line = page.split('\n').find((text) => text.startsWith('Without a gradient:')) ?? '';
    const sentence = line.slice(0, line.indexOf('.'));
    const listed = [...sentence.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    expect(listed.sort()).toEqual(without.map(({ operator }) => operator).sort());
  });
});
