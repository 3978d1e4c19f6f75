#include "dataplane/inspect/validator.h"

namespace sluice::inspect {
namespace {

// ISO/IEC 7812-1 annex B over the digits of the match, whatever separates them; 12 to 19 digits.
bool luhn(Bytes match) {
  unsigned digits = 0;
  unsigned sum = 0;
  for (std::size_t i = match.size(); i-- > 0;) {
    const unsigned digit = match[i] - unsigned{'0'};
    if (digit > 9) continue;
    const unsigned doubled = digit * 2;
    sum += digits % 2 == 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
    ++digits;
  }
  return digits >= 12 && digits <= 19 && sum % 10 == 0;
}

}  // namespace

bool accepts(Validator validator, Bytes match) {
  switch (validator) {
    case Validator::none:
      return true;
    case Validator::luhn:
      return luhn(match);
  }
  return false;
}

}  // namespace sluice::inspect
