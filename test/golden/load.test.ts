import { describe, expect, it } from 'vitest';
import { loadGolden, loadSheetSteps, summarize, type TensorSummary, uniforms } from './load.ts';

/** `list(uniforms(1, 3))` in Python. */
const PYTHON_UNIFORMS = [0.42320917087271326, 0.5094074428837206, 0.6483593939634306];
const FILES = ['convolution', 'scipy-convolution', 'pooling', 'dense', 'optimizers'] as const;

function expectClose(actual: TensorSummary, expected: TensorSummary): void {
  expect(actual.stride).toBe(expected.stride);
  expect(actual.samples).toEqual(expected.samples);
  const bound = 1e-12 * expected.absoluteSum;
  expect(Math.abs(actual.sum - expected.sum)).toBeLessThanOrEqual(bound);
  expect(Math.abs(actual.norm - expected.norm)).toBeLessThanOrEqual(1e-12 * expected.norm);
}

describe('golden files', () => {
  it.each(FILES)('%s: every tensor has as many values as its shape says', (name) => {
    const cases = loadGolden(name);
    expect(cases.length).toBeGreaterThan(0);
    for (const { name: label, inputs, outputs } of cases) {
      for (const tensor of [...Object.values(inputs), ...Object.values(outputs)]) {
        const size = tensor.shape.reduce((product, n) => product * n, 1);
        expect(tensor.data.length, label).toBe(size);
      }
    }
  });

  it('makes the numbers of the Python generator', () => {
    expect([...uniforms(1, 3)]).toEqual(PYTHON_UNIFORMS);
  });

  it('makes the images and parameters that the Python script trained', () => {
    const sheet = loadSheetSteps();
    expectClose(summarize(sheet.images.data), sheet.imagesSummary);
    for (const [name, tensor] of sheet.initial) {
      expectClose(summarize(tensor.data), sheet.initialSummaries[name] as TensorSummary);
    }
  });
});
