import { argumentError, dtypeError, ownFunction, shapeError, within } from '../errors.ts';
import { escaped, GraphVariable } from '../graph/graph.ts';
import type { Optimizer, UpdateCall } from '../optimizers/optimizer.ts';
import { sameShape } from '../shape.ts';
import { describe } from '../tensor.ts';

/**
 * A parameter and its slots after a step of `rule`.
 * @throws ERR_ARGUMENT, ERR_SHAPE, ERR_DTYPE that name the parameter when an optimizer made by hand
 *   throws or gives something else
 */
export function updatedBy(rule: Optimizer, call: UpdateCall): readonly GraphVariable[] {
  const { key, parameter, slots } = call;
  const where = `fit, ${key}`;
  const what = `update of the optimizer '${rule.kind}'`;
  const update = ownFunction(where, what, () => rule.update(call));
  const next: unknown = within('fit', update);
  const count = 1 + slots.length;
  if (!Array.isArray(next) || next.length !== count) {
    throw argumentError(where, `${what} to give a list of ${count}: parameter and slots,`, next);
  }
  return next.map((value: unknown) => {
    if (!(value instanceof GraphVariable)) {
      throw argumentError(where, `${what} to give values computed from its own`, next);
    }
    if (value.tracer !== (parameter as GraphVariable).tracer) throw escaped(where, 'another trace');
    const given = `${what} must give ${describe(parameter)} but gives ${describe(value)}`;
    if (value.dtype !== parameter.dtype) throw dtypeError(where, given);
    if (!sameShape(value.shape, parameter.shape)) throw shapeError(where, given);
    return value;
  });
}
