// Content as bitmaps, one bit a byte: 64 bytes are a word, kStripWords words a strip; the word behind the strip is
// there too, for what begins in the strip and ends behind it. Classes of bytes are made of atoms: sets of bytes whose
// upper half is in one set and whose lower half is in another, so that two table lookups and an AND tell eight of them
// at once. A class is a union of atoms, exactly or a little more. By AVX-512 or AVX2 where the CPU has it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "rules/byte_set.h"

namespace sluice::inspect {

inline constexpr std::size_t kMaxAtoms = 8;
inline constexpr std::size_t kWordBytes = 64;
inline constexpr std::size_t kStripWords = 32;

inline constexpr std::size_t kGroupWords = 8;  // that vectors hold at most

using AtomSet = std::uint8_t;  // one bit an atom

// Bit i of word w is byte 64 * w + i; of the group behind the strip only the first word is.
struct alignas(kGroupWords * sizeof(std::uint64_t)) Bitmap : std::array<std::uint64_t, kStripWords + kGroupWords> {};

// Which atoms hold a byte, by its halves.
struct AtomTables {
  alignas(16) std::array<AtomSet, 16> high{};
  alignas(16) std::array<AtomSet, 16> low{};
  std::size_t count = 0;
};

// The atoms that together cover printable ASCII.
const AtomTables& all_atoms();
// Those that hold a byte of the set; nothing when no atom holds one of its bytes (control and non-ASCII bytes).
std::optional<AtomSet> atoms_of(const rules::ByteSet& set);
// Atoms that stand in the same of these classes become one, which may hold a little more than they did; the classes are
// told by the new ones.
AtomTables merge_atoms(std::span<AtomSet> classes);
// Those whose bytes all are in the set.
AtomSet atoms_within(const AtomTables& tables, const rules::ByteSet& set);

// On words 0 .. words - 1, `words` a multiple of kGroupWords; of the word behind them, what can be known there.
struct BitmapOperations {
  // Fills words [word, word + words) of each atom from words * kWordBytes bytes; any number of words.
  void (*find_atoms)(const std::uint8_t* data, std::size_t words, const AtomTables& tables, Bitmap* out,
                     std::size_t word);
  // to = a | b
  void (*join)(const Bitmap& a, const Bitmap& b, std::size_t words, Bitmap& to);
  // to = a & b, with b taken `shift` (1 to 63) behind its place.
  void (*follow)(const Bitmap& a, const Bitmap& b, unsigned shift, std::size_t words, Bitmap& to);
  // to = a & b, each taken behind its place by a shift of 0 to 63; tells which words have a bit, one bit a word.
  std::uint32_t (*meet)(const Bitmap& a, unsigned shift_a, const Bitmap& b, unsigned shift_b, std::size_t words,
                        Bitmap& to);
};

// All that this CPU has: the portable ones first, against which the others are tested; the fastest last.
std::span<const BitmapOperations> usable_bitmaps();
const BitmapOperations& bitmaps();  // the fastest

}  // namespace sluice::inspect
