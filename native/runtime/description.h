#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "ops/operator.h"

namespace stridenet {

/// How long a buffer lives and who writes it; docs/architecture.md says what each means.
enum class BufferKind : std::uint8_t { feed, fetch, state, constant, kept, temporary, view };

/// The kind of that name. Throws Error("ERR_PROGRAM").
BufferKind parse_buffer_kind(const std::string& name);

struct BufferDescription {
  BufferKind kind = BufferKind::temporary;
  TensorSpec tensor;
  /// Bytes into the arena, of temporaries only; −1: none given.
  std::int64_t offset = -1;
  /// The earlier buffer, itself no view, whose memory a view is; −1: none given.
  std::int64_t of = -1;
};

struct InstructionDescription {
  std::string op;
  /// Buffer ids; −1: absent.
  std::vector<std::int64_t> inputs;
  std::vector<std::int64_t> outputs;
  Attributes attributes;
  /// Bytes into the arena; −1: none given.
  std::int64_t scratch = -1;
};

struct ProgramDescription {
  /// The bound of the batch; 0 when nothing is batched.
  std::int64_t batch = 0;
  /// Threads that a run may use; 0: all of the pool.
  int threads = 0;
  /// Whether runs measure how long each instruction takes.
  bool profile = false;
  std::int64_t arena_bytes = 0;
  /// The first so many instructions run once after what they read was written, not in each step.
  std::int64_t prologue = 0;
  std::vector<BufferDescription> buffers;
  std::vector<InstructionDescription> instructions;

  /// The buffer whose memory buffer `id` is: itself, unless it is a view.
  std::size_t root(std::size_t id) const {
    return buffers[id].kind == BufferKind::view ? static_cast<std::size_t>(buffers[id].of) : id;
  }
};

/// Validates a description whole, without allocating what it describes: the buffers, the arena
/// intervals, what is read before it is written, overlaps, and every call by its operator's
/// prepare. Returns the prepared instructions in order. Throws Error("ERR_PROGRAM" or "ERR_DTYPE")
/// that names the buffer or instruction.
std::vector<std::unique_ptr<Instruction>> validate(const ProgramDescription& description,
                                                   const KernelTable& table);

}  // namespace stridenet
