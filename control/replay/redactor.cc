// See redactor.h.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "control/replay/redactor.h"

#include <pcre2.h>

#include <algorithm>
#include <array>

namespace sluice::control {
namespace {

constexpr std::size_t kWorkspace = 20'000;  // PCRE2 asks for at least 20; more takes larger expressions
constexpr std::uint32_t kMatchLimit = 1'000'000;

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}

void cover(std::string& out, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end && i < out.size(); ++i)
    if (is_letter_or_digit(out[i])) out[i] = '*';
}

// Covers every match of one expression; false when the engine gave up.
bool cover_matches(const pcre2_code* code, std::string_view text, std::string& out) {
  const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> data(pcre2_match_data_create(1, nullptr),
                                                                            pcre2_match_data_free);
  const std::unique_ptr<pcre2_match_context, void (*)(pcre2_match_context*)> context(
      pcre2_match_context_create(nullptr), pcre2_match_context_free);
  if (!data || !context) return false;
  pcre2_set_match_limit(context.get(), kMatchLimit);
  std::vector<int> workspace(kWorkspace);
  for (std::size_t start = 0; start <= text.size();) {
    // The DFA engine finds the longest match at the leftmost place; the next search begins one byte on.
    const int result = pcre2_dfa_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), start, 0,
                                       data.get(), context.get(), workspace.data(), workspace.size());
    if (result == PCRE2_ERROR_NOMATCH) return true;
    if (result < 0) return false;
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data.get());
    cover(out, bounds[0], bounds[1]);
    start = bounds[0] + 1;
  }
  return true;
}

}  // namespace

void Redactor::Free::operator()(void* code) const {
  pcre2_code_free(static_cast<pcre2_code*>(code));
}

Result<Redactor> Redactor::make(std::span<const rules::Rule> rules) {
  Redactor redactor;
  for (const rules::Rule& rule : rules) {
    int number = 0;
    PCRE2_SIZE offset = 0;
    // Auto-possession would hide the longer ends of a match from the DFA engine.
    const std::uint32_t options = PCRE2_NO_AUTO_POSSESS | (rule.caseless ? PCRE2_CASELESS : 0U);
    Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(rule.expression.data()), rule.expression.size(), options,
                            &number, &offset, nullptr));
    if (!code) return fail(ErrorCode::policy_invalid, "the expression of rule " + rule.name + " does not compile");
    redactor.codes_.push_back(std::move(code));
    redactor.max_width_ = std::max<std::size_t>(redactor.max_width_, rule.max_width);
  }
  return redactor;
}

std::string Redactor::redact(std::string_view text) const {
  std::string out(text);
  for (const Code& code : codes_)
    if (!cover_matches(static_cast<const pcre2_code*>(code.get()), text, out)) cover(out, 0, out.size());
  return out;
}

}  // namespace sluice::control
