import type { DrawnKind, DrawnLine } from './drawing.ts';

/** How a kind of node looks: dark text on a light fill, to be read on light and dark pages. */
export interface Look {
  readonly fill: string;
  readonly stroke: string;
  /** Of the title. */
  readonly text: string;
}

export const looks: Readonly<Record<DrawnKind, Look>> = {
  input: { fill: '#d8ecff', stroke: '#2f7fc9', text: '#0b3a66' },
  parameter: { fill: '#ffe9c2', stroke: '#d08a16', text: '#5b3a00' },
  constant: { fill: '#eceff3', stroke: '#8a94a3', text: '#374151' },
  operator: { fill: '#ffffff', stroke: '#5b6b80', text: '#111827' },
  view: { fill: '#f4f6f8', stroke: '#a3adba', text: '#5b6675' },
  gradient: { fill: '#efe5fd', stroke: '#8250c4', text: '#3b1a6e' },
  output: { fill: '#d3f4dd', stroke: '#2a9d5c', text: '#0c4526' },
  update: { fill: '#fff5e0', stroke: '#d08a16', text: '#5b3a00' },
};

/** Of the lines under a title; all are read on every fill above. */
export const lineColours: Readonly<Record<DrawnLine['role'], string>> = {
  attributes: '#4b5563',
  shape: '#4b5563',
  value: '#1d4ed8',
  adjoint: '#b91c1c',
};

/** Of edges and frames, on no fill: as far from white as from black. */
export const middle = '#7a8594';
/** Within frames. */
export const frameFill = '#8090a018';
