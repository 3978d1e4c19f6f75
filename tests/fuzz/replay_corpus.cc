// Runs a fuzzer's function over its corpus, without a fuzzer: what was found once is a test of every build. Each input
// also comes cut, at places spread over it.
// Usage: PROGRAM CORPUS
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "common/file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kMostBytes = 64 * 1024;  // as the fuzzers are run
constexpr std::size_t kCuts = 32;

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) paths.push_back(entry.path());
  std::ranges::sort(paths);
  for (const auto& path : paths) {
    const auto input = sluice::read_file(path.string(), kMostBytes);
    if (!input) {
      std::fprintf(stderr, "%s\n", input.error().message().c_str());
      return 1;
    }
    std::printf("%s\n", path.filename().c_str());  // the last one is that which failed
    std::fflush(stdout);
    for (std::size_t cut = 1; cut <= kCuts; ++cut) {
      // Memory of its own, so that a checker sees what reads beyond it.
      const std::vector<std::uint8_t> part(input->begin(),
                                           input->begin() + static_cast<std::ptrdiff_t>(input->size() * cut / kCuts));
      LLVMFuzzerTestOneInput(part.data(), part.size());
    }
  }
  std::printf("%zu inputs\n", paths.size());
  return paths.empty() ? 1 : 0;
}
