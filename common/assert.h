// Assertions guard our own mistakes, stay on in release, and never judge a peer's bytes.
#pragma once

namespace sluice {

[[noreturn]] void assert_failed(const char* expression, const char* file, int line);

}  // namespace sluice

#define SLUICE_ASSERT(expression) \
  (static_cast<bool>(expression) ? static_cast<void>(0) : ::sluice::assert_failed(#expression, __FILE__, __LINE__))
