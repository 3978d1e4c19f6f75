// What a mask writes over a match: every letter and digit becomes '*', but for the last `keep_last`
// of them; separators stay, so that the shape stays readable and the length is the same. Where a rule says which group
// of its expression is the secret, signs in it belong to it, and only control characters stay. Where matches overlap,
// take the masked length of each before anything is written, so that what one mask covers does not change what another
// keeps. Masking twice changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/bytes.h"

namespace sluice::inspect {

// How many bytes from its beginning are masked in `match`; the rest stays as it is.
std::size_t masked_length(Bytes match, std::uint32_t keep_last);

enum class Cover : std::uint8_t {
  letters,  // and digits; all that is not ASCII is taken for a part of one
  signs,    // as well
};

// Masks all of `bytes`; they may be any part of what is to be masked.
void mask_all(MutableBytes bytes, Cover cover = Cover::letters);

// Writes '*' into `out` wherever `masked`, which is as long, has one.
void copy_stars(Bytes masked, MutableBytes out);

// Both at once, for a match that lies in one piece and overlaps no other.
void mask_in_place(MutableBytes match, std::uint32_t keep_last, Cover cover = Cover::letters);

}  // namespace sluice::inspect
