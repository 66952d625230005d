// The platforms whose addon the package holds, by name: `zig`, what Zig's -target takes; `system`,
// CMake's name; `file`, below prebuilds/, as prebuildify lays it out and node-gyp-build finds it.

/** Node's own floor, which is that of Debian 10, RHEL 8 and Amazon Linux 2023. */
export const GLIBC_FLOOR = '2.28';
const MACOS_FLOOR = '11.0';

export const targets = [
  ...[
    ['x64', 'x86_64'],
    ['arm64', 'aarch64'],
  ].flatMap(([arch, cpu]) => [
    {
      name: `linux-${arch}-glibc`,
      zig: `${cpu}-linux-gnu.${GLIBC_FLOOR}`,
      system: 'Linux',
      file: `linux-${arch}/stridenet.glibc.node`,
    },
    {
      name: `linux-${arch}-musl`,
      zig: `${cpu}-linux-musl`,
      system: 'Linux',
      file: `linux-${arch}/stridenet.musl.node`,
    },
    {
      name: `darwin-${arch}`,
      zig: `${cpu}-macos.${MACOS_FLOOR}`,
      system: 'Darwin',
      file: `darwin-${arch}/stridenet.node`,
    },
  ]),
  {
    name: 'win32-x64',
    zig: 'x86_64-windows-gnu',
    system: 'Windows',
    file: 'win32-x64/stridenet.node',
  },
];

/** The name of this machine's target. */
export function hostTarget() {
  const { platform, arch, report } = process;
  if (platform !== 'linux') return `${platform}-${arch}`;
  const libc = report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
  return `${platform}-${arch}-${libc}`;
}
