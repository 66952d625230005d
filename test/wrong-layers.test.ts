import { describe, expect, it } from 'vitest';
import { layers, StridenetError, sequential } from '../lib/index.ts';
import { wrongValues } from './wrong/corruptions.ts';
import { type ValidLayer, validLayers } from './wrong/layers.ts';

const makers = layers as unknown as Readonly<Record<string, (options: object) => layers.Layer>>;

/** What making a layer and putting it into a network throws; null when nothing. */
function thrownBy(
  kind: string,
  { make }: ValidLayer,
  options: unknown,
  inputShape: readonly number[],
): unknown {
  try {
    const layer = (make ?? makers[kind])?.(options as object) as layers.Layer;
    sequential({ inputShape, layers: [layer], backend: 'reference' });
    return null;
  } catch (error) {
    return error;
  }
}

function expectRefused(error: unknown, code: string, ...parts: string[]): void {
  expect(error).toBeInstanceOf(StridenetError);
  expect((error as StridenetError).code, String(error)).toBe(code);
  for (const part of parts) expect((error as StridenetError).message).toContain(part);
}

it('every layer is tried', () => {
  expect(Object.keys(validLayers).sort()).toEqual(Object.keys(layers).sort());
});

describe.each(Object.entries(validLayers))('layers.%s', (kind, valid) => {
  const options = Object.fromEntries(
    Object.entries(valid.options).map(([key, rule]) => [key, rule.value]),
  );
  const place = kind === 'activation' ? 'activation' : `[${kind}`;

  it('takes what is right', () => {
    expect(thrownBy(kind, valid, options, valid.input)).toBeNull();
  });

  for (const [key, rule] of Object.entries(valid.options)) {
    for (const [title, wrong] of wrongValues(key, rule)) {
      it(`refuses ${title}`, () => {
        const error = thrownBy(kind, valid, { ...options, [key]: wrong }, valid.input);
        expectRefused(error, 'ERR_ARGUMENT', place, key);
      });
    }
  }

  it('refuses an unknown option, and options that are none', () => {
    const unknown = thrownBy(kind, valid, { ...options, unheardOf: 1 }, valid.input);
    expectRefused(unknown, 'ERR_ARGUMENT', place, 'unheardOf');
    for (const wrong of [5, 'fast', null, []]) {
      expectRefused(thrownBy(kind, valid, wrong, valid.input), 'ERR_ARGUMENT', place, 'options');
    }
  });

  for (const input of valid.wrongInputs) {
    it(`refuses an input of (${input.join(', ')})`, () => {
      const error = thrownBy(kind, valid, options, input);
      expectRefused(error, 'ERR_SHAPE', `layer 0 (${kind}`, `(${input.join(', ')})`);
    });
  }
});
