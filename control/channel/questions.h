// Questions to the data plane whose answers come in parts: one at a time, others wait. The channel's thread sends and
// hands in what comes; it never waits.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "common/error.h"
#include "common/time.h"

namespace sluice::control {

using MessageBytes = std::vector<std::uint8_t>;  // verified, with its size prefix

// A part of an answer: the message that it came as.
struct AnswerPart {
  std::uint64_t request_id = 0;
  bool last = false;
  ErrorCode error = ErrorCode::ok;  // with last
  MessageBytes message;
};

class Questions {
 public:
  using Encode = std::function<MessageBytes(std::uint64_t request_id)>;
  static constexpr std::size_t kMostAnswerBytes = 32 * 1024 * 1024;

  // Waits for the whole answer: its parts in order. `wake` rouses the channel's thread.
  Result<std::vector<MessageBytes>> ask(const Encode& encode, const std::function<void()>& wake, DurationNs timeout);

  // --- the channel's thread
  // The question that was not sent yet.
  std::optional<MessageBytes> take_unsent();
  // An answer that nobody waits for any more is forgotten.
  void take(AnswerPart&& part);
  // The data plane is gone, or cannot be asked.
  void fail(const Error& error);

 private:
  struct Question {
    std::uint64_t id = 0;
    std::optional<MessageBytes> unsent;
    std::vector<MessageBytes> parts;
    std::size_t bytes = 0;
    std::optional<Error> end;
  };

  std::mutex asking_;  // one question at a time
  std::mutex mutex_;   // guards what follows
  std::condition_variable answered_;
  std::optional<Question> question_;
  std::uint64_t next_id_ = 1;
};

}  // namespace sluice::control
