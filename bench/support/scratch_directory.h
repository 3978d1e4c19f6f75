// A directory on a real disk for what a benchmark writes: below $SLUICE_BENCH_DIR, or /var/tmp. Gone with its owner.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace sluice::bench {

class ScratchDirectory {
 public:
  ScratchDirectory() {
    static int number = 0;
    const char* root = std::getenv("SLUICE_BENCH_DIR");
    path_ = std::string(root != nullptr ? root : "/var/tmp") + "/sluice-bench-" + std::to_string(::getpid()) + "-" +
            std::to_string(number++);
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace sluice::bench
