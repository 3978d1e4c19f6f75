// The records of sessions' beginnings and ends as they were last built, by whose they are: the next of the same service
// and principal is a copy with other numbers in it, at an eighth of the cost. A few are kept; who finds none builds
// one.
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
  enum class Kind : std::uint8_t { open, close };

  // A record of that kind for that subject, complete but for its numbers; empty when none is kept.
  [[nodiscard]] Bytes find(Kind kind, const Subject& subject) const;
  void keep(Kind kind, const Subject& subject, Bytes record);

  // Write the numbers into a copy of it, which was built with all of them (FlatBuffers leaves out what is 0 unless told
  // otherwise); false where one has no place in it.
  [[nodiscard]] static bool number(MutableBytes record, std::uint64_t sequence, SessionId session, WallNs now);
  [[nodiscard]] static bool fill(MutableBytes record, const SessionOpen& open);
  [[nodiscard]] static bool fill(MutableBytes record, const SessionClose& close);

 private:
  static constexpr std::size_t kKept = 32;
  struct Stencil {
    Kind kind = Kind::open;
    bool verified = false;
    std::string service;
    std::string record_class;
    std::string principal;
    std::vector<std::uint8_t> record;
  };
  [[nodiscard]] static std::size_t place_of(Kind kind, const Subject& subject);

  std::array<Stencil, kKept> stencils_;
};

}  // namespace sluice::record
