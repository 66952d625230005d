/**
 * Data sets: readers of files, and lazy pipelines of samples.
 * @module
 */
export { type Cifar100Options, type CifarOptions, cifar10, cifar100 } from './cifar.ts';
export type { ToSamplesOptions } from './collect.ts';
export type { Split } from './dataFolder.ts';
export { Dataset, type OpenOptions, type ShuffleOptions, type SplitOptions } from './dataset.ts';
export { type FromOptions, from, type Source } from './from.ts';
export { readIdx } from './idx.ts';
export type { BrokenImage, ImageOptions } from './images/decode.ts';
export { type ImageFolderOptions, imageFolder } from './images/imageFolder.ts';
export { type ImageListOptions, imageList } from './images/imageList.ts';
export { type DataSetOptions, fashionMnist, mnist } from './mnist.ts';
export { type ReadOptions, readNpy } from './npy.ts';
export { type ReadTensorsOptions, readNpz, type WriteNpzOptions, writeNpz } from './npz.ts';
export type { SampleFunction } from './pipeline/map.ts';
export type { Stream } from './pipeline/streamSource.ts';
export { readSafetensors } from './safetensorsFile.ts';
export type { Pass, Sample, SampleContext, SampleSource } from './sample.ts';
export type { Samples } from './samples.ts';
export { select, slice } from './select.ts';
export type { Fractions } from './split.ts';
export { type Statistics, statistics } from './statistics.ts';
export type { TrainingData } from './trainingData.ts';
