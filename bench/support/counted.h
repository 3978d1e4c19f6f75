// Marks what a run under callgrind counts: only what runs inside of counted() (bench/instructions/compare.py).
#pragma once

#include <type_traits>

namespace sluice::bench {

template <class Work>
void run_work(void* work) {
  (*static_cast<Work*>(work))();
}

// Never inlined, so that the tool finds it by its name.
extern "C" void sluice_counted(void (*work)(void*), void* argument);

template <class Work>
void counted(Work&& work) {
  using Plain = std::remove_reference_t<Work>;
  sluice_counted(run_work<Plain>, &work);
}

}  // namespace sluice::bench
