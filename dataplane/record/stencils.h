// Records as they were last built, by whose they are: the next of the same service and principal is a copy with other
// numbers in it, at an eighth of the cost. Of a record with payload what stands before that is kept: FlatBuffers lays
// it out the same for all lengths that leave the same remainder of kAlign (the kind's variant). A few are kept; who
// finds none builds one.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "dataplane/record/recorder.h"

namespace sluice::record {

class Stencils {
 public:
  static constexpr std::size_t kAlign = 8;
  enum class Shape : std::uint8_t { open, close, head, slice, end };
  struct Kind {
    Shape shape;
    // Of a record with payload: its bytes with all padding, modulo kAlign. Of a unit's end: how many rules it tells of.
    std::size_t variant = 0;
    bool operator==(const Kind&) const = default;
    [[nodiscard]] bool has_payload() const { return shape == Shape::head || shape == Shape::slice; }
  };

  // A record of that kind for that subject, complete but for its numbers; empty when none is kept.
  [[nodiscard]] Bytes find(Kind kind, const Subject& subject) const;
  void keep(Kind kind, const Subject& subject, Bytes record);

  // Write the numbers into a copy of it, which was built with all of them (FlatBuffers leaves out what is 0 unless told
  // otherwise); false where one has no place in it.
  [[nodiscard]] static bool number(MutableBytes record, std::uint64_t sequence, SessionId session, WallNs now);
  [[nodiscard]] static bool fill(MutableBytes record, const SessionOpen& open);
  [[nodiscard]] static bool fill(MutableBytes record, const SessionClose& close);
  [[nodiscard]] static bool fill(MutableBytes record, const UnitHead& head);
  [[nodiscard]] static bool fill(MutableBytes record, const SliceInfo& slice);
  // Also false where the record tells of other rules.
  [[nodiscard]] static bool fill(MutableBytes record, const UnitEnd& end);
  // Of a record with payload, which is `bytes` long behind the kept part and then zeros.
  static void set_payload(MutableBytes record, std::size_t kept_bytes, std::size_t bytes);

 private:
  static constexpr std::size_t kKinds = 16;  // of one subject, about
  static constexpr std::size_t kKept = 32 * kKinds;
  struct Stencil {
    Kind kind = {.shape = Shape::open};
    bool verified = false;
    std::string service;
    std::string record_class;
    std::string principal;
    std::vector<std::uint8_t> record;
  };
  [[nodiscard]] static std::size_t place_within(Kind kind);
  [[nodiscard]] static std::size_t place_of(Kind kind, const Subject& subject);

  std::array<Stencil, kKept> stencils_;
};

}  // namespace sluice::record
