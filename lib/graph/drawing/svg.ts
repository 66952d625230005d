import { StridenetError } from '../../errors.ts';

/** What of Graphviz is used. */
interface Graphviz {
  renderString(dot: string, options: { format: string }): string;
}

/** Gives the module of @viz-js/viz. */
export type LoadGraphviz = () => Promise<{ instance(): Promise<Graphviz> }>;

/** An optional peer: only pictures need it. */
const loadGraphviz: LoadGraphviz = () => import('@viz-js/viz');

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

async function layOut(module: Awaited<ReturnType<LoadGraphviz>>, dot: string): Promise<string> {
  try {
    return (await module.instance()).renderString(dot, { format: 'svg' });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StridenetError(
      'ERR_LAYOUT',
      `[toSvg] Graphviz could not lay the graph out (${why}); toDot gives its text for other tools`,
      { cause },
    );
  }
}

/**
 * An SVG picture of a graph in Graphviz's language.
 * @throws ERR_PACKAGE_NOT_FOUND when Graphviz is not installed; ERR_LAYOUT when it fails
 */
export async function renderSvg(dot: string, load = loadGraphviz): Promise<string> {
  let module: Awaited<ReturnType<LoadGraphviz>>;
  try {
    module = await load();
  } catch (cause) {
    throw new StridenetError(
      'ERR_PACKAGE_NOT_FOUND',
      '[toSvg] needs the package @viz-js/viz, which is not installed: npm install @viz-js/viz',
      { cause },
    );
  }
  const svg = await layOut(module, dot);
  // Without the XML declaration it can stand in a page as well as in a file.
  return centreTitles(svg.slice(svg.indexOf('<svg')))
    .replace('<svg', '<svg role="img" aria-label="computation graph"')
    .replaceAll('font-family="Arial"', `font-family="${families}"`);
}
