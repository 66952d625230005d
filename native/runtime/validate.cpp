#include <limits>
#include <map>
#include <utility>

#include "core/error.h"
#include "ops/checks.h"
#include "runtime/description.h"

namespace stridenet {
namespace {

constexpr std::int64_t kAlignment = 64;
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 53;
constexpr std::size_t kMaxListed = std::size_t{1} << 20;
constexpr std::size_t kMaxOperands = 64;

/// Bytes [begin, end) of the arena.
struct Interval {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool overlaps(const Interval& other) const {
    return begin < end && other.begin < other.end && begin < other.end && other.begin < end;
  }
};

/// Which temporaries hold what was written to them at this point of the step. Those with bytes
/// never overlap each other, since writing one voids what it overlaps.
class Live {
 public:
  explicit Live(std::size_t buffers) : live_(buffers, false) {}

  bool has(std::size_t id) const { return live_[id]; }

  void write(std::size_t id, const Interval& interval) {
    clobber(interval);
    if (interval.begin < interval.end) intervals_[interval.begin] = {interval.end, id};
    live_[id] = true;
  }

  void clear() {
    live_.assign(live_.size(), false);
    intervals_.clear();
  }

  void clobber(const Interval& interval) {
    if (interval.begin >= interval.end) return;
    auto at = intervals_.upper_bound(interval.begin);
    if (at != intervals_.begin()) {
      const auto before = std::prev(at);
      if (before->second.first > interval.begin) at = before;
    }
    while (at != intervals_.end() && at->first < interval.end) {
      live_[at->second.second] = false;
      at = intervals_.erase(at);
    }
  }

 private:
  std::vector<bool> live_;
  std::map<std::int64_t, std::pair<std::int64_t, std::size_t>> intervals_;
};

class Validator {
 public:
  Validator(const ProgramDescription& description, const KernelTable& table)
      : description_(description), table_(table), live_(description.buffers.size()) {}

  std::vector<std::unique_ptr<Instruction>> run() {
    check_limits();
    for (std::size_t id = 0; id < description_.buffers.size(); ++id) {
      located("buffer " + std::to_string(id), [&] { check_buffer(id); });
    }
    written_.assign(description_.buffers.size(), false);
    std::vector<std::unique_ptr<Instruction>> prepared;
    const auto prologue = static_cast<std::size_t>(description_.prologue);
    for (std::size_t index = 0; index < description_.instructions.size(); ++index) {
      // What a prologue leaves in the arena does not outlast the steps.
      if (index == prologue) live_.clear();
      in_prologue_ = index < prologue;
      located("instruction " + std::to_string(index),
              [&] { prepared.push_back(check_instruction(description_.instructions[index])); });
    }
    check_prologue_inputs();
    for (std::size_t id = 0; id < description_.buffers.size(); ++id) {
      if (description_.buffers[id].kind == BufferKind::fetch && !written_[id]) {
        refuse("buffer " + std::to_string(id) + ": no instruction writes this fetch");
      }
    }
    return prepared;
  }

 private:
  /// Puts the place before the message; a size that cannot be is a fault of the Program here.
  template <class Body>
  static void located(const std::string& place, Body&& body) {
    try {
      body();
    } catch (const Error& error) {
      const bool dtype = std::string(error.code()) == "ERR_DTYPE";
      throw Error(dtype ? "ERR_DTYPE" : "ERR_PROGRAM", place + ": " + error.what());
    }
  }

  void check_limits() const {
    if (description_.batch < 0 || description_.batch > std::numeric_limits<std::int32_t>::max()) {
      refuse("expected a batch within [0, 2^31) but received " +
             std::to_string(description_.batch));
    }
    if (description_.arena_bytes < 0 || description_.arena_bytes > kMaxBytes) {
      refuse("expected arenaBytes within [0, 2^53] but received " +
             std::to_string(description_.arena_bytes));
    }
    if (description_.prologue < 0 ||
        description_.prologue > static_cast<std::int64_t>(description_.instructions.size())) {
      refuse("expected a prologue of 0 to " + std::to_string(description_.instructions.size()) +
             " instructions but received " + std::to_string(description_.prologue));
    }
    if (description_.threads < 0) refuse("expected threads of 0 or more");
    if (description_.buffers.size() > kMaxListed || description_.instructions.size() > kMaxListed) {
      refuse("expected at most 2^20 buffers and 2^20 instructions");
    }
  }

  void check_interval(std::int64_t offset, std::int64_t bytes, const char* what) const {
    if (offset < 0 || offset % kAlignment != 0) {
      refuse(std::string("expected ") + what +
             " at a multiple of 64 bytes into the arena but received " + std::to_string(offset));
    }
    if (bytes > description_.arena_bytes || offset > description_.arena_bytes - bytes) {
      refuse(std::string(what) + " of " + std::to_string(bytes) + " bytes at " +
             std::to_string(offset) + " passes the end of the arena of " +
             std::to_string(description_.arena_bytes));
    }
  }

  void check_buffer(std::size_t id) const {
    const BufferDescription& buffer = description_.buffers[id];
    if (!buffer.tensor.present) refuse("a buffer needs a tensor");
    check_spec(buffer.tensor);
    if (buffer.tensor.batched) {
      if (description_.batch == 0) refuse("batched, but the Program's batch is 0");
      if (buffer.tensor.shape[0] != description_.batch) {
        refuse("expected the first size of a batched buffer to be " +
               std::to_string(description_.batch) + " but received " +
               describe_shape(buffer.tensor.shape));
      }
    }
    if (buffer.kind == BufferKind::temporary) {
      check_interval(buffer.offset, static_cast<std::int64_t>(buffer.tensor.bytes()), "temporary");
    }
    if (buffer.kind == BufferKind::view) check_view(id);
  }

  void check_view(std::size_t id) const {
    const BufferDescription& view = description_.buffers[id];
    if (view.of < 0 || view.of >= static_cast<std::int64_t>(id)) {
      refuse("a view needs an earlier buffer but received " + std::to_string(view.of));
    }
    const BufferDescription& root = description_.buffers[static_cast<std::size_t>(view.of)];
    if (root.kind == BufferKind::view) refuse("a view of a view");
    if (root.tensor.dtype != view.tensor.dtype || root.tensor.batched != view.tensor.batched ||
        root.tensor.elements() != view.tensor.elements()) {
      refuse("a view " + describe(view.tensor) + " must have the dtype, batch and elements of " +
             describe(root.tensor));
    }
  }

  /// The buffer whose memory operand `id` is. Throws unless the id is one.
  std::size_t check_root(std::int64_t id) const { return description_.root(check_id(id)); }

  std::size_t check_id(std::int64_t id) const {
    if (id < 0 || id >= static_cast<std::int64_t>(description_.buffers.size())) {
      refuse("expected buffer ids within [-1, " + std::to_string(description_.buffers.size()) +
             ") but received " + std::to_string(id));
    }
    return static_cast<std::size_t>(id);
  }

  /// A prologue runs once for many steps, so what it reads must be the same in all of them.
  void check_prologue_inputs() const {
    for (std::size_t index = 0; index < static_cast<std::size_t>(description_.prologue); ++index) {
      for (const std::int64_t input : description_.instructions[index].inputs) {
        if (input == -1) continue;
        const std::size_t id = check_root(input);
        if (description_.buffers[id].kind == BufferKind::state && written_[id]) {
          refuse("instruction " + std::to_string(index) + ", in the prologue, reads buffer " +
                 std::to_string(id) + ", a state that an instruction writes");
        }
      }
    }
  }

  void check_prologue_operand(std::size_t id) const {
    if (!in_prologue_) return;
    const BufferDescription& buffer = description_.buffers[id];
    if (buffer.kind == BufferKind::feed || buffer.tensor.batched) {
      refuse("a feed or a batched buffer in the prologue, buffer " + std::to_string(id));
    }
  }

  Interval interval(std::size_t id) const {
    const BufferDescription& buffer = description_.buffers[id];
    if (buffer.kind != BufferKind::temporary) return {};
    return {buffer.offset, buffer.offset + static_cast<std::int64_t>(buffer.tensor.bytes())};
  }

  std::vector<TensorSpec> read_inputs(const InstructionDescription& instruction) const {
    std::vector<TensorSpec> specs;
    for (const std::int64_t input : instruction.inputs) {
      if (input == -1) {
        specs.emplace_back();
        continue;
      }
      const std::size_t id = check_root(input);
      const BufferKind kind = description_.buffers[id].kind;
      if (kind == BufferKind::fetch) refuse("reads a fetch, buffer " + std::to_string(id));
      check_prologue_operand(id);
      if (kind == BufferKind::kept && !written_[id]) {
        refuse("reads buffer " + std::to_string(id) + ", which is kept but which nothing wrote");
      }
      if (kind == BufferKind::temporary && !live_.has(id)) {
        refuse("reads buffer " + std::to_string(id) +
               ", which nothing wrote or something overwrote");
      }
      specs.push_back(description_.buffers[check_id(input)].tensor);
    }
    return specs;
  }

  std::vector<TensorSpec> written_outputs(const InstructionDescription& instruction) const {
    std::vector<TensorSpec> specs;
    for (const std::int64_t output : instruction.outputs) {
      if (output == -1) {
        specs.emplace_back();
        continue;
      }
      const std::size_t id = check_root(output);
      const BufferKind kind = description_.buffers[id].kind;
      if (kind == BufferKind::feed || kind == BufferKind::constant) {
        refuse("writes a feed or constant, buffer " + std::to_string(id));
      }
      check_prologue_operand(id);
      if (in_prologue_ ? kind == BufferKind::state || kind == BufferKind::fetch
                       : kind == BufferKind::kept) {
        refuse(std::string(in_prologue_ ? "in the prologue, writes a state or fetch"
                                        : "writes what the prologue keeps") +
               ", buffer " + std::to_string(id));
      }
      specs.push_back(description_.buffers[check_id(output)].tensor);
    }
    return specs;
  }

  void check_overlaps(const InstructionDescription& instruction, const Instruction& prepared,
                      const Interval& scratch) const {
    for (std::size_t o = 0; o < instruction.outputs.size(); ++o) {
      if (instruction.outputs[o] == -1) continue;
      const std::size_t output = check_root(instruction.outputs[o]);
      const Interval written = interval(output);
      for (std::size_t i = 0; i < instruction.inputs.size(); ++i) {
        if (instruction.inputs[i] == -1) continue;
        const std::size_t input = check_root(instruction.inputs[i]);
        const Interval read = interval(input);
        if (input != output && !written.overlaps(read)) continue;
        const bool same =
            input == output || (written.begin == read.begin && written.end == read.end);
        if (!same || !prepared.may_alias(static_cast<int>(o), static_cast<int>(i))) {
          refuse("output " + std::to_string(o) + " may not share memory with input " +
                 std::to_string(i));
        }
      }
      for (std::size_t p = 0; p < o; ++p) {
        if (instruction.outputs[p] == -1) continue;
        const std::size_t other = check_root(instruction.outputs[p]);
        if (other == output || written.overlaps(interval(other))) {
          refuse("outputs " + std::to_string(p) + " and " + std::to_string(o) + " share memory");
        }
      }
      if (written.overlaps(scratch)) refuse("scratch overlaps output " + std::to_string(o));
    }
    for (std::size_t i = 0; i < instruction.inputs.size(); ++i) {
      if (instruction.inputs[i] == -1) continue;
      if (interval(check_root(instruction.inputs[i])).overlaps(scratch)) {
        refuse("scratch overlaps input " + std::to_string(i));
      }
    }
  }

  std::unique_ptr<Instruction> check_instruction(const InstructionDescription& instruction) {
    if (instruction.inputs.size() > kMaxOperands || instruction.outputs.size() > kMaxOperands) {
      refuse("expected at most 64 inputs and outputs");
    }
    Call call{instruction.op, read_inputs(instruction), written_outputs(instruction),
              instruction.attributes};
    std::unique_ptr<Instruction> prepared = prepare(call, table_);
    Interval scratch;
    if (const std::size_t bytes = prepared->scratch_bytes(); bytes > 0) {
      if (bytes > static_cast<std::size_t>(kMaxBytes)) refuse("scratch passes 2^53 bytes");
      check_interval(instruction.scratch, static_cast<std::int64_t>(bytes), "scratch");
      scratch = {instruction.scratch, instruction.scratch + static_cast<std::int64_t>(bytes)};
    }
    check_overlaps(instruction, *prepared, scratch);
    live_.clobber(scratch);
    for (const std::int64_t output : instruction.outputs) {
      if (output == -1) continue;
      const std::size_t id = check_root(output);
      written_[id] = true;
      if (description_.buffers[id].kind == BufferKind::temporary) live_.write(id, interval(id));
    }
    return prepared;
  }

  const ProgramDescription& description_;
  const KernelTable& table_;
  Live live_;
  std::vector<bool> written_;
  bool in_prologue_ = false;
};

}  // namespace

BufferKind parse_buffer_kind(const std::string& name) {
  if (name == "feed") return BufferKind::feed;
  if (name == "fetch") return BufferKind::fetch;
  if (name == "state") return BufferKind::state;
  if (name == "constant") return BufferKind::constant;
  if (name == "kept") return BufferKind::kept;
  if (name == "temporary") return BufferKind::temporary;
  if (name == "view") return BufferKind::view;
  refuse(
      "expected a kind of 'feed', 'fetch', 'state', 'constant', 'kept', 'temporary' or 'view' but "
      "received '" +
      name + "'");
}

std::vector<std::unique_ptr<Instruction>> validate(const ProgramDescription& description,
                                                   const KernelTable& table) {
  return Validator(description, table).run();
}

}  // namespace stridenet
