import { describe, expect, it } from 'vitest';
import { difference, functions, runCall } from './golden/calls.ts';
import { callFiles, loadGolden } from './golden/load.ts';
import { backends } from './support/networks.ts';

/** Operators without golden values, and why. */
const without: Readonly<Record<string, string>> = {
  gatherRows: 'no operator of PyTorch: rows of a data set, scaled',
  countCorrect: 'no operator of PyTorch: counts integers',
  stopGradient: 'the identity, without a gradient to compare',
  sgdUpdate: 'in trajectories.json, by its optimizer',
  adamUpdate: 'in trajectories.json, by its optimizers',
  rmspropUpdate: 'in trajectories.json, by its optimizer',
  adagradUpdate: 'in trajectories.json, by its optimizer',
};

const files = callFiles.map((name) => ({ name, cases: loadGolden(name) }));

describe('golden values', () => {
  it('are there for every operator that is not excused, and excuse none that has them', () => {
    const called = new Set(
      files.flatMap(({ cases }) => cases.map(({ attributes }) => attributes.operator)),
    );
    const known = new Set(Object.keys(functions));
    expect([...known].filter((name) => !called.has(name) && !(name in without))).toEqual([]);
    expect([...called].filter((name) => !known.has(name))).toEqual([]);
    expect(Object.keys(without).filter((name) => called.has(name) || !known.has(name))).toEqual([]);
  });
});

describe.each(files)('$name', ({ cases }) => {
  it.each(cases.map((golden) => [golden.name, golden] as const))('%s', (_, golden) => {
    for (const backend of backends) {
      for (const dtype of ['float64', 'float32'] as const) {
        const actual = runCall(golden, dtype, backend);
        for (const key of Object.keys(golden.outputs)) {
          const place = `${backend}, ${dtype}`;
          expect(difference(key, actual.get(key), golden, dtype), place).toBeNull();
        }
      }
    }
  });
});
