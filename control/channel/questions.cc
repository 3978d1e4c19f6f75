// See questions.h.
#include "control/channel/questions.h"

#include <chrono>

namespace sluice::control {

Result<std::vector<MessageBytes>> Questions::ask(const Encode& encode, const std::function<void()>& wake,
                                                 DurationNs timeout) {
  const std::lock_guard one_at_a_time(asking_);
  std::unique_lock lock(mutex_);
  const std::uint64_t id = next_id_++;
  question_.emplace(Question{.id = id, .unsent = encode(id), .parts = {}, .bytes = 0, .end = std::nullopt});
  wake();
  const bool done =
      answered_.wait_for(lock, std::chrono::nanoseconds(timeout), [&] { return question_->end.has_value(); });
  const Question question = std::move(*question_);
  question_.reset();
  if (!done) return sluice::fail(ErrorCode::channel_timeout, "the data plane is busy or hangs; ask again");
  if (question.end->code != ErrorCode::ok) return std::unexpected(*question.end);
  return question.parts;
}

std::optional<MessageBytes> Questions::take_unsent() {
  const std::lock_guard lock(mutex_);
  if (!question_) return std::nullopt;
  return std::exchange(question_->unsent, std::nullopt);
}

void Questions::take(AnswerPart&& part) {
  const std::lock_guard lock(mutex_);
  if (!question_ || question_->id != part.request_id || question_->end) return;
  question_->bytes += part.message.size();
  if (question_->bytes > kMostAnswerBytes)
    question_->end = Error{ErrorCode::channel_bad_message, "an answer that is larger than control takes"};
  else if (part.last)
    question_->end = Error{part.error, {}};
  question_->parts.push_back(std::move(part.message));
  if (question_->end) answered_.notify_all();
}

void Questions::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!question_ || question_->end) return;
  question_->end = error;
  answered_.notify_all();
}

}  // namespace sluice::control
