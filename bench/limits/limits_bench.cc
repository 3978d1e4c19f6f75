// What this machine can do at most: copy bytes, and seal them as TLS 1.3 does. The other figures are shares of these.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "bench/support/figure.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kTlsRecord = 16 * 1024;

double gigabits(std::size_t bytes) {
  return static_cast<double>(bytes) * 8 / 1e9;
}

// 64 KiB stays in a core's own caches, 64 MiB in none.
void copy(benchmark::State& state, std::size_t size) {
  // At the starts of pages: from elsewhere, some processors copy at a tenth of the speed.
  const std::unique_ptr<char, decltype(&std::free)> from(static_cast<char*>(std::aligned_alloc(4096, size)),
                                                         &std::free);
  const std::unique_ptr<char, decltype(&std::free)> to(static_cast<char*>(std::aligned_alloc(4096, size)), &std::free);
  std::memset(from.get(), 'f', size);
  std::memset(to.get(), 't', size);
  for (auto _ : state) {
    std::memcpy(to.get(), from.get(), size);
    benchmark::DoNotOptimize(to.get());
    benchmark::ClobberMemory();
  }
  report_rate(state, gigabits(size), "Gbit/s");
}
BENCHMARK_CAPTURE(copy, 64k, 64 << 10)->Name("machine/memcpy/64k");
BENCHMARK_CAPTURE(copy, 64m, 64 << 20)->Name("machine/memcpy/64m");

void seal(benchmark::State& state) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher(EVP_CIPHER_CTX_new(),
                                                                               &EVP_CIPHER_CTX_free);
  const std::vector<std::uint8_t> key(32, 7);
  std::vector<std::uint8_t> nonce(12, 0);
  std::vector<std::uint8_t> text(kTlsRecord, 'x');
  std::vector<std::uint8_t> tag(16);
  bool fine = EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data()) == 1;
  for (auto _ : state) {
    int size = 0;
    ++nonce[0];
    fine = fine && EVP_EncryptInit_ex(cipher.get(), nullptr, nullptr, nullptr, nonce.data()) == 1 &&
           EVP_EncryptUpdate(cipher.get(), text.data(), &size, text.data(), static_cast<int>(text.size())) == 1 &&
           EVP_EncryptFinal_ex(cipher.get(), text.data(), &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag.size()), tag.data()) == 1;
    benchmark::DoNotOptimize(tag.data());
  }
  if (!fine) state.SkipWithError("OpenSSL does not seal");
  report_rate(state, gigabits(kTlsRecord), "Gbit/s");
}
BENCHMARK(seal)->Name("machine/aes-256-gcm/16k");

}  // namespace
}  // namespace sluice::bench

BENCHMARK_MAIN();
