// Whether a version may be released: CHANGELOG.md has it with a date, and it is a step up.
import semver from 'semver';

const heading = /^## \[(?<version>[^\]]+)\](?: - (?<date>\S+))?\s*$/gm;

function isDate(text) {
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text ?? '') ? new Date(`${text}T00:00:00Z`) : null;
  return date !== null && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/**
 * What is wrong with a version, and what to do about it, a line each.
 * @param {string} version of package.json
 * @param {string} changelog the text of CHANGELOG.md
 * @param {readonly string[]} tags of the repository; those that are no versions do not count
 */
export function versionProblems(version, changelog, tags) {
  if (semver.valid(version) !== version) {
    return [`version ${version} of package.json is no semantic version: npm version <new>`];
  }
  const problems = [];
  const headings = [...changelog.matchAll(heading)].map(({ groups }) => groups);
  const released = headings.filter((found) => found.version !== 'Unreleased');
  const own = released.find((found) => found.version === version);
  if (own === undefined) {
    problems.push(
      `CHANGELOG.md has no heading for ${version}: put "## [${version}] - <date>" below "## [Unreleased]"`,
    );
  } else if (!isDate(own.date)) {
    problems.push(`CHANGELOG.md has no date at ${version}: write "## [${version}] - YYYY-MM-DD"`);
  }
  for (const [i, { version: later }] of released.entries()) {
    const earlier = released[i + 1]?.version;
    if (semver.valid(later) === null) {
      problems.push(`CHANGELOG.md: ${later} is no semantic version: mend its heading`);
    } else if (semver.valid(earlier) !== null && !semver.gt(later, earlier)) {
      problems.push(`CHANGELOG.md has ${later} above ${earlier}: put the newest first, each once`);
    }
  }
  const last = semver.rsort(tags.filter((tag) => semver.valid(tag) !== null))[0];
  if (last !== undefined && !semver.gt(version, last)) {
    problems.push(`version ${version} is not above the last tag, ${last}: npm version <new>`);
  }
  return problems;
}
