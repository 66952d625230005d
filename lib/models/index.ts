export { type ModelOptions, mnist } from './mnist.ts';
