#pragma once

namespace stridenet {

/// CPUs that this process may keep busy: those of its affinity mask, but no more than its cgroup
/// quota (version 1 or 2, rounded up) on Linux; the hardware threads elsewhere. At least 1.
int available_cpus() noexcept;

}  // namespace stridenet
