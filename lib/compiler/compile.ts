import type { Graph } from '../graph/graph.ts';
import { removeDeadCode } from './deadCode.ts';
import { expandCompositions } from './expand.ts';
import { foldNormalizations } from './fold.ts';
import { fuseActivations } from './fuse.ts';
import { fuseNormalizations } from './fuseNormalization.ts';
import { fusePools } from './fusePools.ts';
import { hoistInvariants } from './hoist.ts';
import { chooseLayouts } from './layout.ts';
import { lower, type PackedQuery, type ScratchQuery } from './lower.ts';
import { planMemory } from './planMemory.ts';
import { moveBiasGradients, moveReluGradients } from './poolGradients.ts';
import { maskTies } from './poolMasks.ts';
import type { Program } from './program.ts';
import { recomputeNormalizations } from './recompute.ts';
import { allowWinograd } from './winograd.ts';

/**
 * Which passes run; all but `winograd` by default. Results agree within the operators' error bounds,
 * not in bits.
 */
export interface PassOptions {
  /**
   * Convolution or dense + bias + sum with a residual + ReLU or ReLU6 as one instruction, likewise
   * batch normalization with these, and max pools of convolutions, and their gradients; winners of max
   * pools that go to all equal cells as masks.
   */
  fuse?: boolean;
  /** Batch normalization by fixed statistics into the weight before it; natively, with `hoist`. */
  fold?: boolean;
  /** Batch normalizations again for filter gradients, instead of keeping them; natively. */
  recompute?: boolean;
  /** Drop what nobody needs. */
  deadCode?: boolean;
  /** Compute once what no step changes, weights in the form that products read them among it. */
  hoist?: boolean;
  /** Keep channels innermost from one operator to the next instead of only within each. */
  layout?: boolean;
  /** Let temporaries share memory when their lifetimes do not meet. */
  reuse?: boolean;
  /**
   * Native 3x3 convolutions of stride 1, with 16 channels and filters at least, and their input
   * gradients by Winograd's F(2x2, 3x3): 2.25 times fewer multiply-adds. Their error is bounded by
   * the largest values of a sample instead of by those that an output sees, and a value that is not
   * finite spreads to the outputs beside those that see it. Default false.
   */
  winograd?: boolean;
}

function prune(graph: Graph, { deadCode = true }: PassOptions): Graph {
  return deadCode ? removeDeadCode(graph) : graph;
}

function fuse(graph: Graph, { fuse: wanted = true }: PassOptions): Graph {
  if (!wanted) return graph;
  const fused = fuseNormalizations(fuseActivations(moveReluGradients(graph)));
  return moveBiasGradients(fusePools(maskTies(fused)));
}

function fold(graph: Graph, { fold: wanted = true, hoist = true }: PassOptions): Graph {
  return wanted && hoist ? foldNormalizations(graph) : graph;
}

/** The passes that every backend runs. */
export function optimize(graph: Graph, passes: PassOptions = {}): Graph {
  return fuse(prune(graph, passes), passes);
}

/**
 * A graph as a Program for the addon.
 * @throws what `scratch` throws; ERR_ARGUMENT for an operator that is defined by loops alone
 */
export function compileProgram(
  graph: Graph,
  scratch: ScratchQuery,
  passes: PassOptions = {},
  packed?: PackedQuery,
): Program {
  const pruned = prune(graph, passes);
  const expanded = expandCompositions(pruned);
  const needed = expanded === pruned ? pruned : prune(expanded, passes);
  const fused = fuse(fold(needed, passes), passes);
  const { recompute = true } = passes;
  const laidOut = chooseLayouts(recompute ? recomputeNormalizations(fused) : fused, passes);
  const allowed = passes.winograd === true ? allowWinograd(laidOut) : laidOut;
  const lowered = lower(allowed, scratch, passes.hoist === false ? undefined : packed);
  return planMemory(hoistInvariants(lowered, passes), passes);
}
