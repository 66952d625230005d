// `npm run docs:api`: writes build-api/index.html, what TSDoc says of everything public. It fails when
// something public has no documentation, and so does `npm run check`, which writes nothing.
import { pathToFileURL } from 'node:url';
import { runPackage } from '../tools.mjs';

/** Runs typedoc; returns whether everything is documented. */
export function documentApi(args = []) {
  const options = ['--options', '.ci/docs/typedoc.jsonc', '--logLevel', 'Warn'];
  return runPackage('typedoc/bin/typedoc', [...options, ...args]);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const documented = documentApi(process.argv.slice(2));
  console.log(documented ? 'build-api/index.html' : 'what lacks documentation is above');
  process.exitCode = documented ? 0 : 1;
}
