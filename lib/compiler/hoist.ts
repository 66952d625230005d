import type { LoweredProgram } from './lower.ts';
import type { Buffer, Instruction } from './program.ts';

/** A lowered Program whose first `prologue` instructions need to run only once. */
export interface HoistedProgram extends LoweredProgram {
  readonly prologue: number;
}

/**
 * Puts the instructions that depend on constants and on states that no instruction writes, and on
 * nothing else, before all others: they run once after these were written, instead of in each step.
 * What others read of their results is kept outside of the arena. With `hoist` false all
 * instructions run in each step.
 */
export function hoistInvariants(
  program: LoweredProgram,
  { hoist = true }: { hoist?: boolean } = {},
): HoistedProgram {
  if (!hoist) return { ...program, prologue: 0 };
  const { buffers, instructions } = program;
  const root = (id: number): number => buffers[id]?.of ?? id;
  const operands = (ids: readonly number[]): number[] => ids.filter((id) => id >= 0).map(root);
  const written = new Set(instructions.flatMap(({ outputs }) => operands(outputs)));
  const invariant = (id: number): boolean => {
    const { kind } = buffers[id] as Buffer;
    return kind === 'constant' || (kind === 'state' && !written.has(id));
  };
  const computed = new Set<number>();
  const prologue: Instruction[] = [];
  const steps: Instruction[] = [];
  for (const instruction of instructions) {
    const outputs = operands(instruction.outputs);
    const once =
      outputs.length > 0 &&
      operands(instruction.inputs).every((id) => computed.has(id) || invariant(id)) &&
      outputs.every((id) => buffers[id]?.kind === 'temporary' && !buffers[id]?.batched);
    (once ? prologue : steps).push(instruction);
    if (once) for (const id of outputs) computed.add(id);
  }
  const read = new Set(steps.flatMap(({ inputs }) => operands(inputs)));
  return {
    ...program,
    buffers: buffers.map((buffer, id) =>
      computed.has(id) && read.has(id) ? { ...buffer, kind: 'kept' } : buffer,
    ),
    instructions: [...prologue, ...steps],
    prologue: prologue.length,
  };
}
