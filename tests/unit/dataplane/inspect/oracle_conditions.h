// What a rule's validator and conditions mean, said once more and naively: floating point, long division, one word
// after the other.
#pragma once

#include <string_view>

#include "dataplane/inspect/scanner.h"

namespace sluice::inspect {

bool oracle_validates(Validator validator, std::string_view text);
double oracle_entropy(std::string_view text);
// One of the words stands near [begin, end) of the content.
bool oracle_near(const rules::ContextSpec& context, std::string_view content, std::size_t begin, std::size_t end);
// It is one of the values or holds one of the words; its expressions are the caller's.
bool oracle_allows(const rules::AllowSpec& allow, std::string_view text);

}  // namespace sluice::inspect
