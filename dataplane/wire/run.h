// A run: frames of one flow and one direction that came one behind the other and together say what one longer frame
// would; or acknowledgements alone, of which the last says what all did. Judged by header bytes alone, against those
// of the first frame, so that only that one is ever parsed. Equal have to be the link header, the congestion marks and
// the lifetime, all flags but PSH, and of data the acknowledgement, the window and the options; of acknowledgements
// these go on, never back, and none repeats a number, for that would mean something. The IPv4 header's checksum is
// checked; the TCP checksum is not.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/bytes.h"
#include "dataplane/wire/frame.h"

namespace sluice::wire {

class Run {
 public:
  // Of payload, so that one packet could hold it all.
  static constexpr std::uint32_t kMostBytes = 65535 - 120;

  // `frame` was parsed from `head`, which is all of it and stays as it is for as long as frames are taken.
  void begin(const Frame& frame, Bytes head);
  // No run begins with this frame.
  void begin_none() { kind_ = Kind::none; }
  // True when the frame carries on where the run ends, and belongs to it from now on.
  [[nodiscard]] bool take(Bytes head);

  // Of the frame that was taken last, and of all.
  [[nodiscard]] std::uint32_t last_bytes() const { return last_bytes_; }
  [[nodiscard]] std::uint32_t bytes() const { return bytes_; }
  // The acknowledgement of the last, which is the first one's of data.
  [[nodiscard]] std::uint32_t last_ack() const { return load_be32(last_ + 8); }
  // Makes what the first frame was parsed to say what all say.
  void tell(Frame& frame) const;
  // Makes what one frame of a run was parsed to say what another does.
  static void read(Bytes head, std::uint32_t payload_bytes, Frame& frame);

 private:
  enum class Kind : std::uint8_t { none, data, acknowledgements };

  [[nodiscard]] bool is_data() const { return kind_ == Kind::data; }
  [[nodiscard]] bool is_alike(const std::uint8_t* head) const;
  [[nodiscard]] bool continues_data(const std::uint8_t* tcp, std::size_t payload_bytes);
  [[nodiscard]] bool continues_acknowledgements(const std::uint8_t* tcp);

  const std::uint8_t* first_ = nullptr;
  const std::uint8_t* last_ = nullptr;  // TCP header
  std::uint32_t next_seq_ = 0;
  std::uint32_t bytes_ = 0;
  std::uint32_t last_bytes_ = 0;
  std::uint32_t header_sum_ = 0;  // of what may differ in an IPv4 header
  std::uint16_t l3_offset_ = 0;
  std::uint16_t l4_offset_ = 0;
  std::uint16_t header_bytes_ = 0;
  Kind kind_ = Kind::none;
  bool ipv4_ = false;
  bool timestamps_ = false;
  bool pushed_ = false;
};

}  // namespace sluice::wire
