// PCRE2 in bytes (no UTF), owned by value.
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>

namespace sluice::inspect {

template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* p) const {
    kFree(p);
  }
};

using PcreCode = std::unique_ptr<pcre2_code, FreeWith<pcre2_code_free>>;
using PcreMatchData = std::unique_ptr<pcre2_match_data, FreeWith<pcre2_match_data_free>>;
using PcreMatchContext = std::unique_ptr<pcre2_match_context, FreeWith<pcre2_match_context_free>>;
using PcreCompileContext = std::unique_ptr<pcre2_compile_context, FreeWith<pcre2_compile_context_free>>;

}  // namespace sluice::inspect
