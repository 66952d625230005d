#include "ops/labels.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

template <class T>
std::int64_t first_largest(const T* row, std::int64_t columns) {
  std::int64_t largest = 0;
  for (std::int64_t c = 1; c < columns; ++c) {
    if (row[c] > row[largest]) largest = c;
  }
  return largest;
}

template <class T>
class CountCorrect : public Instruction {
 public:
  explicit CountCorrect(const Kernels<T>&) {}

  void run(const Run& run) const override {
    const std::int64_t columns = run.inputs[0].shape[1];
    const T* logits = run.inputs[0].as<T>();
    const TensorView& labels = run.inputs[1];
    std::int32_t correct = 0;
    for (std::int64_t n = 0; n < run.inputs[0].shape[0]; ++n) {
      const std::int64_t label = labels.rank == 1
                                     ? label_of("countCorrect", labels, n, columns)
                                     : first_largest(labels.as<T>() + n * columns, columns);
      if (first_largest(logits + n * columns, columns) == label) ++correct;
    }
    *run.outputs[0].as<std::int32_t>() = correct;
  }
};

}  // namespace

std::unique_ptr<Instruction> prepare_count_correct(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& logits = required_input(call, 0, "logits");
  check_labels(logits, required_input(call, 1, "labels"));
  expect_tensor(required_output(call, 0, "count"), "count", DType::int32, {}, false);
  return make_floating<CountCorrect>(logits.dtype, table);
}

}  // namespace stridenet
