// Whether the tarball holds what it should: the committed list of files, and no large ones.

/** The most bytes of a file in the package: as of prebuilds, test/prebuild.test.ts. */
export const largestFile = 6 * 2 ** 20;

/** What belongs to development, whatever the list says. */
const unwanted = [
  [/^(test|bench|docs\/examples|\.ci|\.github)\//, 'is for development'],
  [/\.(test|bench)\.[cm]?[jt]s$/, 'is a test'],
  [/^binding\.gyp$/, 'makes npm add an install script'],
  [/(^|\/)(\.env|\.npmrc|.*\.(pem|key|tgz|log))$/, 'has no place in a package'],
];

/** A line of the list as a pattern: * stands for anything within a name. */
function patternOf(line) {
  const escaped = line.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
  return new RegExp(`^${escaped}$`);
}

/** The lines of a list, without comments. */
export function linesOf(list) {
  return list
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/**
 * What is wrong with the files of a tarball, and what to do about it, a line each.
 * @param {readonly { path: string, size: number }[]} files
 * @param {string} list patterns, one a line
 */
export function contentProblems(files, list) {
  const update = 'if that is right: npm run release:check -- --update';
  const patterns = linesOf(list).map((line) => [line, patternOf(line)]);
  const problems = [];
  for (const { path, size } of files) {
    const [, why] = unwanted.find(([pattern]) => pattern.test(path)) ?? [];
    if (why !== undefined) {
      problems.push(`${path} ${why}: take it out of "files" in package.json`);
    } else if (!patterns.some(([, pattern]) => pattern.test(path))) {
      problems.push(`${path} is not in .ci/release/files.txt: ${update}`);
    }
    if (size > largestFile) {
      problems.push(`${path} has ${size} bytes, more than ${largestFile}: make it smaller`);
    }
  }
  for (const [line, pattern] of patterns) {
    if (files.some(({ path }) => pattern.test(path))) continue;
    problems.push(`the package lacks ${line}, which .ci/release/files.txt has: ${update}`);
  }
  return problems;
}

/** A name with a hash as a pattern: chunk-D5DVS3UE.js → chunk-*.js. */
function withoutHash(path) {
  return path.replace(/-[A-Z0-9]{8}(\.[cm]?js)$/, '-*$1');
}

/** The list that fits `files`: its comments and patterns that still match something, and what is new. */
export function updatedList(files, list) {
  const comments = list.split('\n').filter((line) => line.startsWith('#'));
  const kept = linesOf(list).filter((line) => {
    return line.includes('*') && files.some(({ path }) => patternOf(line).test(path));
  });
  const rest = files
    .map(({ path }) => path)
    .filter((path) => !kept.some((line) => patternOf(line).test(path)))
    .map(withoutHash);
  const lines = [...new Set([...kept, ...rest])].sort();
  return `${[...comments, ...lines].join('\n')}\n`;
}
