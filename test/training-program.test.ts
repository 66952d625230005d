import { describe, expect, it } from 'vitest';
import { compileProgram } from '../lib/compiler/compile.ts';
import type { Buffer, Instruction, Program } from '../lib/compiler/program.ts';
import * as sn from '../lib/index.ts';
import { tracedStep } from './support/steps.ts';

const { batchNorm, conv2d, flatten, dense } = sn.layers;

function layers(): sn.Layer[] {
  return [
    ...[4, 5].map((filters) => conv2d({ filters, kernelSize: 3, activation: 'relu' })),
    conv2d({ filters: 6, kernelSize: 3 }),
    ...[batchNorm(), flatten(), dense({ units: 7 })],
  ];
}

const compile = (frozen: readonly string[] = []): Program =>
  compileProgram(tracedStep(layers(), { frozen }), () => 0);

const found = (program: Program, op: string): Instruction[] =>
  program.instructions.filter((instruction) => instruction.op === op);

function bufferOf(program: Program, id: number | undefined): Buffer {
  const buffer = program.buffers[id as number] as Buffer;
  return program.buffers[buffer.of ?? (id as number)] as Buffer;
}

describe('the Program of a training step', () => {
  it('writes the gradient of the logits over them', () => {
    const program = compile();
    const [gradient] = found(program, 'softmaxCrossEntropyGradient');
    const logits = bufferOf(program, gradient?.inputs[0]);
    const dlogits = bufferOf(program, gradient?.outputs[0]);
    expect(logits.kind).toBe('temporary');
    expect(dlogits.kind).toBe('temporary');
    expect(dlogits.shape).toEqual([4, 7]);
    expect(dlogits.offset).toBe(logits.offset);
  });

  it('is what it was where options are off, and has no more than they need', () => {
    const program = (options: Parameters<typeof tracedStep>[1]): Program =>
      compileProgram(tracedStep(layers(), options), () => 0);
    const shown = ({ buffers, instructions }: Program): string =>
      JSON.stringify([
        buffers,
        instructions.map(({ op, inputs, outputs, attributes }) => {
          return [op, inputs, outputs, attributes];
        }),
      ]);
    const plain = program({});
    const off = { rates: {}, judged: false, accumulate: 1, averaging: null };
    expect(shown(program(off))).toBe(shown(plain));
    // Rates are numbers that are fed: another one is an input more and no work.
    expect(program({ rates: { 0: 0.5 } }).instructions.map(({ op }) => op)).toEqual(
      plain.instructions.map(({ op }) => op),
    );
    const more = (options: Parameters<typeof tracedStep>[1], op: string): number =>
      found(program(options), op).length - found(plain, op).length;
    const averaging = { decay: 0.9, warmUp: true };
    expect([more({ averaging }, 'sub'), more({ averaging }, 'sgdUpdate')]).toEqual([10, 10]);
    expect(more({ accumulate: 2 }, 'where')).toBe(30);
    expect(more({ judged: true }, 'softmax')).toBe(0);
  });

  it('has no gradient of the images', () => {
    const program = compile();
    const count = (op: string): number => found(program, op).length;
    expect(count('conv2dFilterGradient')).toBe(3);
    expect(count('conv2dInputGradient')).toBe(2);
    expect(count('linearWeightGradient')).toBe(1);
    expect(count('linearInputGradient')).toBe(1);
    expect(count('sgdUpdate')).toBe(10);
  });

  it.each([
    [['0'], { filters: 2, images: 1, features: 1, normalizations: 1, updates: 8 }],
    [['0', '1'], { filters: 1, images: 0, features: 1, normalizations: 1, updates: 6 }],
    [['0', '1', '2', '3'], { filters: 0, images: 0, features: 0, normalizations: 0, updates: 2 }],
    [['5'], { filters: 3, images: 2, features: 1, normalizations: 1, updates: 8 }],
    [['2.weight', '2.bias'], { filters: 2, images: 2, features: 1, normalizations: 1, updates: 8 }],
  ])('has none that frozen %j would not need', (frozen, expected) => {
    const program = compile(frozen);
    const count = (op: string): number => found(program, op).length;
    expect({
      filters: count('conv2dFilterGradient'),
      images: count('conv2dInputGradient'),
      features: count('linearInputGradient'),
      normalizations: count('batchNormGradient'),
      updates: count('sgdUpdate'),
    }).toEqual(expected);
    expect(count('linearWeightGradient')).toBe(frozen.includes('5') ? 0 : 1);
  });

  it('has no gradient of weight and bias of a frozen normalization', () => {
    const [gradient] = found(compile(['3.weight', '3.bias']), 'batchNormGradient');
    const [dx = -1, dweight, dbias] = gradient?.outputs ?? [];
    expect(dx).toBeGreaterThanOrEqual(0);
    expect([dweight, dbias]).toEqual([-1, -1]);
  });
});
