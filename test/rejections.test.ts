import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { softsignParts, thrownBy } from './support/ownOperators.ts';

const { layers: L, ops: o } = sn;
const x = sn.full([2, 4], 0.5);
const x64 = sn.full([2, 4], 0.5, 'float64');

const unhandled: unknown[] = [];
const note = (reason: unknown): void => {
  unhandled.push(reason);
};
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(() => {
  process.off('unhandledRejection', note);
  sn.setDefaultBackend('native');
});

async function rejecting(): Promise<never> {
  await null;
  throw new Error('late');
}

/** A network of a custom layer. */
function network(forward: unknown, parameters: object = {}): sn.Network {
  return sn.sequential({ inputShape: [4], layers: [L.custom(forward as never, { parameters })] });
}

/** The operator with one part that gives promises. */
function operator(part: object): (value: sn.Tensor | sn.Variable) => unknown {
  return sn.defineOperator({ ...softsignParts, ...part } as never) as never;
}

const eager = { backend: 'reference' } as const;
const promises = async (): Promise<never> => rejecting();

describe('a promise that rejects is refused with an error, and rejects nobody else', () => {
  const calls: readonly (readonly [string, () => unknown])[] = [
    ['a custom layer', () => network(promises)],
    ['the shape of its parameter', () => network((v: never) => v, { w: { shape: promises } })],
    [
      'the update of its state',
      () =>
        network(
          (v: sn.Variable, _: object, context: sn.layers.CustomContext) => {
            context.update('m', rejecting() as never);
            return v;
          },
          { m: { shape: [4], state: true } },
        ),
    ],
    ['infer', () => operator({ infer: promises })(x64)],
    ['infer, in a list', () => operator({ infer: () => [rejecting()] })(x64)],
    ['composition', () => operator({ composition: promises })(x64)],
    ['compositions in a list', () => operator({ composition: () => [rejecting()] })(x64)],
    ['a list of traced values', () => sn.trace((v) => [v, rejecting(), rejecting()], x)],
    ['an object of them', () => sn.trace((v) => ({ a: v, b: [rejecting()] }), x)],
    ['a function to differentiate', () => sn.grad(promises as never, eager)(x)],
    ['its list', () => sn.grad((v) => [o.sum(v), rejecting()] as never, eager)(x)],
    ['an argument', () => sn.grad((v) => o.sum(v), eager)({ a: rejecting() } as never)],
    ['an operand', () => o.relu(rejecting() as never)],
    [
      'a gradient rule',
      () => sn.grad((v) => o.sum(operator({ gradient: promises })(v) as sn.Variable), eager)(x64),
    ],
    [
      'a gradient rule, in a list',
      () => {
        const own = operator({ gradient: () => [rejecting()] });
        return sn.grad((v) => o.sum(own(v) as sn.Variable), eager)(x64);
      },
    ],
    ['a cost', () => sn.trace((v) => operator({ multiplyAdds: promises })(v), x64).cost()],
    [
      'loops',
      () => {
        sn.setDefaultBackend('reference');
        return operator({ loops: promises })(x64);
      },
    ],
  ];

  it.each(calls)('%s', async (_, call) => {
    expect(thrownBy(call).code).toBe('ERR_ARGUMENT');
    await new Promise((done) => setTimeout(done, 5));
    expect(unhandled).toEqual([]);
  });

  it('a compiled function', async () => {
    const compiled = sn.compile(((): unknown => ({ a: rejecting() })) as never);
    await expect(compiled(x)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    await new Promise((done) => setTimeout(done, 5));
    expect(unhandled).toEqual([]);
  });

  it.each<[string, () => object]>([
    ['an optimizer', () => ({ optimizer: { ...sn.optimizers.sgd(), update: promises } })],
    ['a loss', () => ({ loss: { ...sn.losses.softmaxCrossEntropy(), mean: promises } })],
    ['options', rejecting],
  ])('%s of fit', async (_, options) => {
    const net = sn.sequential({ inputShape: [4], layers: [L.dense({ units: 2 })] });
    const call = async () => net.fit({ x, y: sn.zeros([2], 'int32') }, options());
    await expect(call()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    await new Promise((done) => setTimeout(done, 5));
    expect(unhandled).toEqual([]);
  });
});
