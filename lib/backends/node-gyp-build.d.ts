declare module 'node-gyp-build' {
  /** The file of the addon in `build` or `prebuilds` of a folder. Throws when there is none that fits. */
  const nodeGypBuild: { resolve(folder: string): string };
  export default nodeGypBuild;
}
