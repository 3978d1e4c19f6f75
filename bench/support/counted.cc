#include "bench/support/counted.h"

extern "C" [[gnu::noinline]] void sluice_counted(void (*work)(void*), void* argument) {
  work(argument);
}
