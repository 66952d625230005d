#include "core/available_cpus.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace stridenet {

#if defined(__linux__)

namespace {

int affinity_cpus() noexcept {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) return CPU_COUNT(&mask);
  return static_cast<int>(std::thread::hardware_concurrency());
}

/// Lowers `cpus` to quota/period when both are positive.
void apply_quota(double quota, double period, int& cpus) {
  if (quota > 0 && period > 0) {
    cpus = std::min(cpus, std::max(1, static_cast<int>(std::ceil(quota / period))));
  }
}

/// cpu.max of a version 2 group: "max 100000" or "200000 100000".
void apply_v2(const std::string& folder, int& cpus) {
  std::ifstream file(folder + "/cpu.max");
  double quota = 0;
  double period = 0;
  if (file >> quota >> period) apply_quota(quota, period, cpus);
}

void apply_v1(const std::string& folder, int& cpus) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
  std::ifstream period_file(folder + "/cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  if (quota_file >> quota && period_file >> period) apply_quota(quota, period, cpus);
}

/// A limit may be set on a group or on any of its ancestors.
template <class Apply>
void apply_upwards(const std::string& root, std::string path, int& cpus, Apply apply) {
  for (;;) {
    apply(root + path, cpus);
    const std::size_t slash = path.rfind('/');
    if (path.empty() || slash == std::string::npos) return;
    path.resize(slash);
  }
}

void apply_cgroups(int& cpus) {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers == ",,") {
      apply_upwards("/sys/fs/cgroup", path, cpus, apply_v2);
    } else if (controllers.find(",cpu,") != std::string::npos) {
      apply_upwards("/sys/fs/cgroup/cpu", path, cpus, apply_v1);
    }
  }
}

}  // namespace

int available_cpus() noexcept {
  int cpus = std::max(1, affinity_cpus());
  try {
    apply_cgroups(cpus);
  } catch (...) {
    // An unreadable cgroup sets no limit.
  }
  return std::max(1, cpus);
}

#else

int available_cpus() noexcept {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

#endif

}  // namespace stridenet
