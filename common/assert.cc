// Prints the broken assertion and aborts. No payload is ever printed, and no core is made of it
// (the processes are not dumpable).
#include "common/assert.h"

#include <cstdio>
#include <cstdlib>

namespace sluice {

void assert_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "assertion failed: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace sluice
