// The shape of a statement: what it means, without its literals. Statements that differ in literals, parameters,
// comments, whitespace, the case of what is not quoted, or in how many elements a list of values has, are of one shape;
// others are not, because the shape's id is a hash of the skeleton (skeleton.h), under keys that only this process
// knows. So what the grammar says of a skeleton holds for every statement of its shape, and is asked once.
//
// Literals are no part of a shape and are judged each time: where they lie is told. A statement is whole; its skeleton
// and the list of its literals are bounded.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/siphash.h"
#include "dataplane/sql/lexer.h"
#include "dataplane/sql/skeleton.h"

namespace sluice::sql {

struct ShapeId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const ShapeId&) const = default;
};

struct ShapeKeys {
  HashKey high;
  HashKey low;
};

struct ShapeBounds {
  std::uint32_t skeleton_bytes = 64 * 1024;
  std::uint32_t literals = 4096;
};

struct Shape {
  ShapeId id;
  std::string_view skeleton;        // until the shaper's next statement
  std::span<const Token> literals;  // in order; until then too
  bool more_literals = false;       // than are listed
  std::uint32_t refused_at = 0;     // where in the statement, when it was refused
};

// One for each worker: what it writes to is its own.
class Shaper {
 public:
  explicit Shaper(const ShapeKeys& keys, const ShapeBounds& bounds = {});

  // sql_too_long when the skeleton has no room; otherwise what the lexer refuses.
  ErrorCode shape(Bytes statement, LexerOptions options, Shape& shape);
  // Where in the statement the token lies that stands at `position` of its skeleton.
  std::uint32_t place_of(std::uint32_t position, Bytes statement, LexerOptions options);

 private:
  ErrorCode read(Lexer& lexer);
  ErrorCode put(Lexer& lexer, Token token);
  ErrorCode put_word(Lexer& lexer, Token token);
  void put_literal(const Token& token, std::string_view stands_for);

  ShapeKeys keys_;
  ShapeBounds bounds_;
  Skeleton skeleton_;
  std::vector<Token> literals_;
  bool more_literals_ = false;
  std::uint32_t wanted_ = 0;  // place_of()
  std::uint32_t place_ = 0;
};

}  // namespace sluice::sql
