export type { Dataset } from './dataset.ts';
export { readIdx } from './idx.ts';
export { type DataSetOptions, fashionMnist, mnist, type Split } from './mnist.ts';
export { select, slice } from './select.ts';
