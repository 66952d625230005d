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

describe('gradients that do not exist', () => {
  it.each([
    'maxPool2dTieGradient',
    'batchNormGradient',
    'layerNormGradient',
    'biasGradient',
    'sgdUpdate',
    'adamUpdate',
    'rmspropUpdate',
    'adagradUpdate',
    'gatherRows',
  ])('%s says ERR_NOT_DIFFERENTIABLE', (name) => {
    const all = Object.values(families).flatMap(({ cases }) => cases);
    const tried = need(all.find(({ operator }) => operator === name));
    expect(tried.gradient).toBeUndefined();
    const { fn, at } = functionOf(tried, { inputs: [0], tolerance: 0 });
    expect(() => gradientCheck(fn, at, { backend: 'reference' })).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_DIFFERENTIABLE' }),
    );
  });
});
