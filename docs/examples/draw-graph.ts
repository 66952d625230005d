// Draws LeNet-5, its layers as frames, into an SVG file.
// Run: node --import tsx docs/examples/draw-graph.ts [file] (in the npm package, import from
// 'stridenet'). Pictures need the package @viz-js/viz.
import { writeFileSync } from 'node:fs';
import * as sn from '../../lib/index.ts';

const [file = 'lenet5.svg'] = process.argv.slice(2);
const graph = sn.models.lenet5().graph();
const svg = await graph.toSvg();
writeFileSync(file, svg);
console.log(`${file}: ${graph.nodes.length} operators, ${svg.length} characters`);

// The same for Markdown, from left to right:
console.log(
  graph.toMermaid({ direction: 'LR', clusters: false }).split('\n').slice(0, 4).join('\n'),
);
