// A plugin of typedoc. A parameter without words of its own has those of the comment around it, or,
// when its type is an interface (options, an event, a context), that interface's, whose members are
// documented in turn.
import { Comment, Converter, ReflectionKind } from 'typedoc';

/** Interfaces that stand for any value: what a parameter of theirs must be is not said by them. */
const values = new Set(['Variable']);

/** The interface that a type is, alone, in a list, or beside other types; undefined for none. */
function interfaceOf(type) {
  if (type === undefined) return undefined;
  if (type.type === 'optional' || type.type === 'array') return interfaceOf(type.elementType);
  if (type.type === 'typeOperator') return interfaceOf(type.target);
  if (type.type === 'intersection' || type.type === 'union') {
    return type.types.map(interfaceOf).find((found) => found !== undefined);
  }
  const found = type.type === 'reference' ? type.reflection : undefined;
  return found?.kindOf(ReflectionKind.Interface) && !values.has(found.name) ? found : undefined;
}

/** The members that a type written at the parameter has, alone or beside named ones. */
function ownMembers(type) {
  if (type?.type === 'intersection') return type.types.flatMap(ownMembers);
  return type?.type === 'reflection' ? (type.declaration.children ?? []) : [];
}

/** What a comment around the parameter says of it by `@param`: of a member that is a function, or a list of overloads. */
function tagAround(parameter) {
  for (let around = parameter.parent; around !== undefined; around = around.parent) {
    const tag = around.comment?.blockTags.find(
      ({ tag, name }) => tag === '@param' && name === parameter.name,
    );
    if (tag !== undefined) return new Comment(Comment.cloneDisplayParts(tag.content));
    if (around.kindOf(ReflectionKind.Module)) return undefined;
  }
  return undefined;
}

/** What the parameter says when it says nothing; undefined when nothing around it does. */
function documentationOf(parameter) {
  const members = ownMembers(parameter.type);
  if (members.some((member) => !member.hasComment())) return undefined;
  const tagged = tagAround(parameter);
  if (tagged !== undefined) return tagged;
  const named = interfaceOf(parameter.type)?.comment;
  if (named !== undefined) return new Comment(Comment.cloneDisplayParts(named.summary));
  return members.length === 0 ? undefined : new Comment([{ kind: 'text', text: 'Settings:' }]);
}

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    for (const parameter of project.getReflectionsByKind(ReflectionKind.Parameter)) {
      if (parameter.hasComment()) continue;
      parameter.comment = documentationOf(parameter);
    }
  });
}
