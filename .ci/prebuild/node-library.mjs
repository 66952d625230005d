// Windows' import library of Node's functions, made of the lists in node-api-headers.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, run } from '../tools.mjs';

const definitions = path.join(root, 'node_modules/node-api-headers/def');

/** Writes node.lib to `directory` and returns its path; throws when Zig's dlltool fails. */
export function makeNodeLibrary(zig, directory) {
  const lists = ['js_native_api.def', 'node_api.def'].map((name) =>
    readFileSync(path.join(definitions, name), 'utf8'),
  );
  // Each begins with NAME and EXPORTS; names may stand in both.
  const names = new Set(lists.flatMap((list) => list.match(/^(napi|node_api)_\w+/gm)));
  mkdirSync(directory, { recursive: true });
  const definition = path.join(directory, 'node.def');
  writeFileSync(definition, `NAME node.exe\nEXPORTS\n${[...names].join('\n')}\n`);
  const library = path.join(directory, 'node.lib');
  const args = ['dlltool', '-m', 'i386:x86-64', '-d', definition, '-l', library, '-D', 'node.exe'];
  if (!run(zig, args)) throw new Error('node.lib could not be made');
  return library;
}
