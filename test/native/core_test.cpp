#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/arena.h"
#include "core/denormals.h"
#include "core/error.h"
#include "core/philox.h"
#include "core/tensor.h"
#include "core/thread_pool.h"

namespace stridenet {
namespace {

// The known answers that come with the Random123 library.
TEST(Philox, KnownAnswers) {
  using Words = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Tensor, CountsElements) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({2, 3, 4}), 24);
  EXPECT_EQ(element_count({std::int64_t{1} << 40, 0, std::int64_t{1} << 40}), 0);
  EXPECT_THROW(element_count({-1}), Error);
  EXPECT_THROW(element_count({std::int64_t{1} << 30, std::int64_t{1} << 30}), Error);
  EXPECT_EQ(parse_dtype("float64"), DType::float64);
  EXPECT_THROW(parse_dtype("float16"), Error);
}

TEST(Arena, IsAlignedAndCounted) {
  const std::int64_t before = Arena::live_bytes();
  {
    Arena small(100);
    Arena large(5 << 20);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(small.data()) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large.data()) % (2 << 20), 0u);
    EXPECT_EQ(Arena::live_bytes() - before, 100 + (5 << 20));
    const Arena moved = std::move(small);
    EXPECT_EQ(moved.bytes(), 100u);
    EXPECT_EQ(Arena::live_bytes() - before, 100 + (5 << 20));
  }
  EXPECT_EQ(Arena::live_bytes(), before);
  EXPECT_THROW(Arena{std::numeric_limits<std::size_t>::max()}, Error);
  EXPECT_THROW(Arena{std::size_t{1} << 60}, Error);
}

TEST(Arena, KeepsABoundedPartOfWhatIsFreed) {
  const std::int64_t live = Arena::live_bytes();
  for (int round = 0; round < 3; ++round) {
    std::vector<Arena> arenas;
    for (int i = 1; i < 20; ++i) arenas.emplace_back(std::size_t{1} << (i + 8));
    for (int i = 0; i < 5; ++i) arenas.emplace_back(std::size_t{20} << 20);
  }
  EXPECT_EQ(Arena::live_bytes(), live);
  EXPECT_LE(Arena::kept_bytes(), Arena::kMostKeptBytes);
  const std::int64_t before = Arena::kept_bytes();
  {
    const Arena huge(static_cast<std::size_t>(Arena::kMostKeptBytes) + 1);
  }
  EXPECT_EQ(Arena::kept_bytes(), before);
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
  EXPECT_GT(before, 0);
  constexpr std::size_t kBytes = (std::size_t{7} << 20) + 5;
  std::byte* data = nullptr;
  {
    const Arena first(kBytes);
    EXPECT_TRUE(first.zeroed());
    for (std::size_t i = 0; i < kBytes; i += 4096) ASSERT_EQ(first.data()[i], std::byte{0});
    data = first.data();
    data[0] = std::byte{1};
  }
  const Arena again(kBytes - 100);
  EXPECT_EQ(again.data(), data);
  EXPECT_EQ(again.bytes(), kBytes - 100);
  EXPECT_FALSE(again.zeroed());
  EXPECT_NE(Arena(kBytes).data(), data);
#endif
}

bool flushes_denormals() {
  volatile float tiny = std::numeric_limits<float>::min();
  volatile float half = 0.5f;
  return tiny * half == 0.0f;
}

TEST(Denormals, AreFlushedInsideOnlyAndTheModeComesBack) {
  EXPECT_FALSE(flushes_denormals());
  {
    const FlushDenormals flush;
    EXPECT_TRUE(flushes_denormals());
  }
  EXPECT_FALSE(flushes_denormals());
}

class Pool : public testing::Test {
 protected:
  void SetUp() override { before_ = ThreadPool::instance().threads(); }
  void TearDown() override { ThreadPool::instance().set_threads(before_); }

 private:
  int before_ = 1;
};

TEST_F(Pool, RunsEveryTaskOnce) {
  ThreadPool& pool = ThreadPool::instance();
  for (const int threads : {1, 2, 3, 8}) {
    pool.set_threads(threads);
    for (int round = 0; round < 300; ++round) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(round % 40));
      pool.parallel_for(static_cast<std::int64_t>(seen.size()), 0, [&](std::int64_t task) {
        seen[static_cast<std::size_t>(task)].fetch_add(1);
      });
      for (const auto& count : seen) ASSERT_EQ(count.load(), 1);
    }
  }
}

TEST_F(Pool, WakesParkedWorkers) {
  ThreadPool& pool = ThreadPool::instance();
  pool.set_threads(4);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> inside{0};
    // Both tasks must run at once: each waits for the other.
    pool.parallel_for(2, 0, [&](std::int64_t) {
      inside.fetch_add(1);
      while (inside.load() < 2) std::this_thread::yield();
    });
    EXPECT_EQ(inside.load(), 2);
  }
}

TEST_F(Pool, KeepsToItsLimit) {
  ThreadPool& pool = ThreadPool::instance();
  pool.set_threads(8);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  pool.parallel_for(64, 3, [&](std::int64_t) {
    const int now = inside.fetch_add(1) + 1;
    int seen = most.load();
    while (seen < now && !most.compare_exchange_weak(seen, now)) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    inside.fetch_sub(1);
  });
  EXPECT_LE(most.load(), 3);
}

TEST_F(Pool, RethrowsTheFirstExceptionAndGoesOn) {
  ThreadPool& pool = ThreadPool::instance();
  for (const int threads : {1, 4}) {
    pool.set_threads(threads);
    for (int round = 0; round < 50; ++round) {
      EXPECT_THROW(pool.parallel_for(100, 0,
                                     [&](std::int64_t task) {
                                       if (task == 7) throw std::runtime_error("seven");
                                     }),
                   std::runtime_error);
      std::atomic<int> ran{0};
      pool.parallel_for(10, 0, [&](std::int64_t) { ran.fetch_add(1); });
      EXPECT_EQ(ran.load(), 10);
    }
  }
}

TEST_F(Pool, RethrowsTheExceptionOfTheLowestTask) {
  ThreadPool& pool = ThreadPool::instance();
  for (const int threads : {1, 2, 4}) {
    pool.set_threads(threads);
    for (int round = 0; round < 20; ++round) {
      std::string message;
      try {
        pool.parallel_for(100, 0, [&](std::int64_t task) {
          if (task < 3) return;
          // The lowest one is the last to throw.
          if (task == 3) std::this_thread::sleep_for(std::chrono::milliseconds(2));
          throw std::runtime_error(std::to_string(task));
        });
      } catch (const std::runtime_error& error) {
        message = error.what();
      }
      EXPECT_EQ(message, "3");
    }
  }
}

TEST_F(Pool, NestsOnTheSameThread) {
  ThreadPool& pool = ThreadPool::instance();
  pool.set_threads(4);
  std::atomic<int> ran{0};
  pool.parallel_for(8, 0, [&](std::int64_t) {
    const auto outer = std::this_thread::get_id();
    pool.parallel_for(8, 0, [&](std::int64_t) {
      EXPECT_EQ(std::this_thread::get_id(), outer);
      ran.fetch_add(1);
    });
  });
  EXPECT_EQ(ran.load(), 64);
}

TEST_F(Pool, ServesConcurrentCallers) {
  ThreadPool& pool = ThreadPool::instance();
  pool.set_threads(3);
  std::atomic<int> ran{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 100; ++round) {
        pool.parallel_for(5, 0, [&](std::int64_t) { ran.fetch_add(1); });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(ran.load(), 4 * 100 * 5);
}

/// Calls body() on `callers` threads at once, all Running before the first call.
template <class Body>
void run_at_once(int callers, Body body) {
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (int caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&] {
      const ThreadPool::Running running;
      ready.fetch_add(1);
      while (ready.load() < callers) std::this_thread::yield();
      body();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Pool, ComputesOnNoMoreThreadsThanThereAre) {
  ThreadPool& pool = ThreadPool::instance();
  for (const int callers : {1, 2, 3}) {
    pool.set_threads(3);
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    run_at_once(callers, [&] {
      for (int round = 0; round < 10; ++round) {
        pool.parallel_for(40, 0, [&](std::int64_t) {
          const int now = inside.fetch_add(1) + 1;
          int seen = most.load();
          while (seen < now && !most.compare_exchange_weak(seen, now)) {
          }
          std::this_thread::sleep_for(std::chrono::microseconds(50));
          inside.fetch_sub(1);
        });
      }
    });
    EXPECT_LE(most.load(), 3) << callers << " callers";
    if (callers == 1) {
      EXPECT_GE(most.load(), 2);
    }
  }
}

TEST_F(Pool, HelpsSeveralCallersAtOnce) {
  ThreadPool& pool = ThreadPool::instance();
  pool.set_threads(4);
  for (int round = 0; round < 20; ++round) {
    run_at_once(2, [&] {
      std::atomic<int> inside{0};
      // Both tasks of a job must run at once, so each caller needs a worker.
      pool.parallel_for(2, 0, [&](std::int64_t) {
        inside.fetch_add(1);
        while (inside.load() < 2) std::this_thread::yield();
      });
      EXPECT_EQ(inside.load(), 2);
    });
  }
}

TEST_F(Pool, AWorkerMakesRoomForACaller) {
  ThreadPool& pool = ThreadPool::instance();
  pool.set_threads(2);
  std::atomic<bool> running{false};
  std::atomic<int> late{0};
  std::thread other;
  const auto caller = std::this_thread::get_id();
  pool.parallel_for(200, 0, [&](std::int64_t task) {
    const bool worker = std::this_thread::get_id() != caller;
    if (worker && running.load()) late.fetch_add(1);
    if (task == 20) {
      // From here on another thread computes, until the end.
      other = std::thread([&] {
        const ThreadPool::Running computing;
        running = true;
        while (running.load()) std::this_thread::yield();
      });
      while (!running.load()) std::this_thread::yield();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  });
  running = false;
  other.join();
  // The task that it has when the other begins, and one it may claim at that moment.
  EXPECT_LE(late.load(), 2);
}

TEST_F(Pool, FlushesDenormalsInBodiesOnly) {
  ThreadPool& pool = ThreadPool::instance();
  for (const int threads : {1, 4}) {
    pool.set_threads(threads);
    std::atomic<int> flushed{0};
    pool.parallel_for(16, 0, [&](std::int64_t) { flushed.fetch_add(flushes_denormals() ? 1 : 0); });
    EXPECT_EQ(flushed.load(), 16);
    EXPECT_FALSE(flushes_denormals());
  }
}

TEST_F(Pool, ChecksItsSize) {
  EXPECT_THROW(ThreadPool::instance().set_threads(0), Error);
  EXPECT_THROW(ThreadPool::instance().set_threads(1025), Error);
  EXPECT_GE(ThreadPool::instance().threads(), 1);
}

}  // namespace
}  // namespace stridenet
