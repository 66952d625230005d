import { zeros } from '../../lib/tensor.ts';
import {
  type Case,
  type Family,
  indices,
  integers,
  literal,
  sizes,
  type WrongCall,
} from './case.ts';
import { matrices } from './rows.ts';
import { wrongLabels } from './softmaxCrossEntropy.ts';

function casesOf(N: number, C: number): Case[] {
  return [
    ['int32 labels', indices(N, C)] as const,
    ['uint8 labels', indices(N, Math.min(C, 256), 'uint8')] as const,
    ['targets', integers([N, C], 0, 2)] as const,
  ].map(([kind, labels]) => ({
    operator: 'countCorrect',
    title: `${sizes([N, C])}, ${kind}, logits that tie`,
    seed: 1,
    inputs: [integers([N, C], -2, 2), labels],
    attributes: {},
    model: { kind: 'exact' as const },
  }));
}

const special: Case = {
  operator: 'countCorrect',
  title: 'NaN counts as the largest, the first of equals wins',
  seed: 1,
  inputs: [
    literal([1, Number.NaN, 2, 3, 3, 1, -0, 0, 0, 1, 2, Number.NaN], [4, 3]),
    literal([1, 0, 0, 1], [4], 'int32'),
  ],
  attributes: {},
  model: { kind: 'exact' },
};

const wrongCalls: WrongCall[] = [
  {
    operator: 'countCorrect',
    title: 'batches that differ',
    call: (ops) => ops.countCorrect(zeros([4, 3]), zeros([3], 'uint8')),
    code: 'ERR_SHAPE',
    message: ['countCorrect', '(4, 3)', '(3)'],
  },
];

/** Counting what is classified rightly. */
export const countCorrectCases: Family = {
  cases: [...matrices.flatMap(([N, C]) => casesOf(N, C)), special],
  wrongCalls,
  wrongData: wrongLabels('countCorrect', [], {}),
};
