// What is installed with the package: its licences, and its bill of materials.
import satisfies from 'spdx-satisfies';

/** Licences that ask for no more than their text and notices to be kept. */
export const allowed = [
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'CC0-1.0'],
  ...['ISC', 'MIT', 'Unlicense', 'Zlib'],
];

/** The packages that a lock file installs with `--omit=dev`, by their places. */
export function runtimePackages(lock) {
  return Object.entries(lock.packages).filter(([place, entry]) => place !== '' && !entry.dev);
}

/** What package.json says of the installed package, without its tools and its scripts. */
export function runtimeManifest({ devDependencies: _, scripts: __, ...manifest }) {
  return manifest;
}

/** A lock file of what is installed with the package alone. */
export function runtimeLock(lock) {
  const { devDependencies: _, ...own } = lock.packages[''];
  return { ...lock, packages: { '': own, ...Object.fromEntries(runtimePackages(lock)) } };
}

function isAllowed(license) {
  try {
    return satisfies(license, allowed);
  } catch {
    return false; // no SPDX expression
  }
}

/** What is wrong with the licences of the packages of a lock file, and what to do, a line each. */
export function licenseProblems(lock) {
  return runtimePackages(lock).flatMap(([place, { license, version }]) => {
    if (typeof license === 'string' && isAllowed(license)) return [];
    const name = `${place.replace(/^.*node_modules\//, '')}@${version}`;
    const what = license === undefined ? 'has no licence in package-lock.json' : `is ${license}`;
    return [
      `${name} ${what}: replace it, or read the licence and add it to ${import.meta.filename}`,
    ];
  });
}

/** What is wrong with a bill of materials (CycloneDX) for a lock file, and what to do, a line each. */
export function sbomProblems(sbom, lock) {
  const named = new Set(
    (sbom.components ?? []).map(({ name, version, group }) => {
      return `${group ? `${group}/` : ''}${name}@${version}`;
    }),
  );
  const wanted = runtimePackages(lock).map(([place, { version }]) => {
    return `${place.replace(/^.*node_modules\//, '')}@${version}`;
  });
  const again = 'run npm ci, then npm run release:check';
  const lacking = wanted.filter((name) => !named.has(name));
  const foreign = [...named].filter((name) => !wanted.includes(name));
  return [
    ...(sbom.bomFormat === 'CycloneDX' ? [] : [`the bill of materials is no CycloneDX: ${again}`]),
    ...lacking.map((name) => `the bill of materials lacks ${name}: ${again}`),
    ...foreign.map((name) => `the bill of materials has ${name}, which is not installed: ${again}`),
  ];
}
