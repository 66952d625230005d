// Writes what the drawings of the documentation and their expected texts are:
// node --import tsx test/support/writeDrawings.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawnGraphs } from './drawnGraphs.ts';

const root = join(import.meta.dirname, '..', '..');
const page = join(root, 'docs/drawing.md');

const texts = Object.values(drawnGraphs).map(({ graph, options }) => graph.toMermaid(options));
const blocks = texts.values();
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(
    /```mermaid\n[\s\S]*?```/g,
    () => `\`\`\`mermaid\n${blocks.next().value}\`\`\``,
  ),
);
for (const [name, { graph, options }] of Object.entries(drawnGraphs)) {
  writeFileSync(join(root, `test/golden/drawings/${name}.dot`), graph.toDot(options));
  writeFileSync(join(root, `docs/pictures/${name}.svg`), await graph.toSvg(options));
}
