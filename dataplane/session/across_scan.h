// The rules of a service that look at several request bodies as at one, over one of those bodies. Each group of them is
// scanned from where the payload stopped before, to where it is known to go on. A body that is no piece is scanned by
// itself.
// Invariant: a scan is only given content from decided() on, and every match is reported before its bytes are decided.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/session/context.h"
#include "dataplane/session/payload.h"

namespace sluice::session {

class AcrossScan {
 public:
  // A body of this service begins.
  void begin(const enforce::Service& service);
  // Its head is known: which payloads it is a piece of. piece_ambiguous as piece_of() has it; it is no piece then.
  ErrorCode tie(Context& context, const http1::Head& head, const Caller& caller, std::string_view service);
  // A piece is decided as a whole, or as much as the window holds of it: only then is it known what lies before it.
  [[nodiscard]] bool is_piece() const;
  // A piece that lies where its Content-Range says.
  [[nodiscard]] bool is_ranged() const;

  // context.work.content is the content from at most decided() to the newest byte. Appends to context.work.matches what
  // lies in the body, with offsets in it; a match that goes on behind it ends beyond its end.
  ErrorCode scan(Context& context, bool last);
  // All content up to here is.
  [[nodiscard]] std::uint64_t decided() const;
  // The body was let through, complete: its payloads remember it.
  void keep(Context& context);

 private:
  struct Part {
    const enforce::Across* across = nullptr;
    std::optional<PieceOf> piece;
    inspect::ScanState state;  // its hold counts from the first of `left`
    std::uint64_t decided = 0;
    // Of a piece:
    bool placed = false;
    bool complete = false;
    std::uint64_t begin = 0;  // in its payload
    std::uint64_t size = 0;
    std::vector<std::uint8_t> left;
    inspect::ScanState left_state;
    std::vector<std::uint8_t> head;
    std::vector<std::uint8_t> tail;
    inspect::ScanState tail_state;
    bool through_right = false;
  };

  static void place(Context& context, Part& part);
  static ErrorCode scan_part(Context& context, Part& part, bool last);
  static ErrorCode scan_end(Context& context, Part& part);
  static void take(Context& context, const Part& part, Bytes right, std::vector<Match>& found);
  static void keep_tail(Context& context, Part& part, Bytes right);

  std::vector<Part> parts_;
};

}  // namespace sluice::session
