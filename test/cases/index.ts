import type { Family } from './case.ts';
import { conv2dCases } from './conv2d.ts';
import { dataCases } from './data.ts';
import { elementwiseCases } from './elementwise.ts';
import { linearCases } from './linear.ts';
import { lossCases } from './loss.ts';
import { matmulCases } from './matmul.ts';
import { maxPool2dCases } from './maxPool2d.ts';
import { optimizerCases } from './optimizer.ts';

/** The cases of every family. */
export const families: Readonly<Record<string, Family>> = {
  conv2d: conv2dCases,
  linear: linearCases,
  matmul: matmulCases,
  maxPool2d: maxPool2dCases,
  elementwise: elementwiseCases,
  loss: lossCases,
  optimizer: optimizerCases,
  data: dataCases,
};
