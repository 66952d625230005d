import { layOut } from './graphviz.ts';

/** Fonts as wide as Arial, which Graphviz reckons with, before any other. */
const families = 'Arial,Helvetica,Liberation Sans,Nimbus Sans,sans-serif';

/** The middle of a node's outline, from left to right, in the SVG of Graphviz. */
function middleOf(group: string): number | null {
  const centre = /<ellipse[^>]* cx="([^"]+)"/.exec(group);
  if (centre !== null) return Number(centre[1]);
  const outline = /<(?:polygon|path)[^>]* (?:points|d)="([^"]+)"/.exec(group);
  if (outline === null) return null;
  const across = (outline[1] as string).match(/-?[\d.]+(?=,)/g)?.map(Number) ?? [];
  return (Math.min(...across) + Math.max(...across)) / 2;
}

/** Lines of nodes anchored at their middle: they stay in it where another font is wider. */
function centreTitles(svg: string): string {
  return svg.replace(/<g id="[^"]*" class="node">[\s\S]*?<\/g>/g, (group) => {
    const x = middleOf(group);
    if (x === null) return group;
    return group.replace(/text-anchor="start" x="[^"]+"/g, `text-anchor="middle" x="${x}"`);
  });
}

/**
 * An SVG picture of a graph in Graphviz's language. Throws what `layOut` throws.
 * @param locate gives the file of Graphviz's module; default: where it is installed
 */
export async function renderSvg(dot: string, locate?: () => string): Promise<string> {
  const svg = await layOut(dot, locate);
  // Without the XML declaration it can stand in a page as well as in a file.
  return centreTitles(svg.slice(svg.indexOf('<svg')))
    .replace('<svg', '<svg role="img" aria-label="computation graph"')
    .replaceAll('font-family="Arial"', `font-family="${families}"`);
}
