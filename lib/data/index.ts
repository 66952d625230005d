export { readIdx } from './idx.ts';
export { type DataSetOptions, fashionMnist, mnist, type Split } from './mnist.ts';
export type { Samples } from './samples.ts';
export { select, slice } from './select.ts';
