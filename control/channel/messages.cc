// See messages.h.
#include "control/channel/messages.h"

#include "control/channel/envelope.h"

namespace sluice::control {
namespace {

namespace fbs = sluice::schema::channel;

DataPlane decode(const fbs::Hello& hello) {
  DataPlane out;
  out.channel_version = hello.channel_version();
  out.product_version = text(hello.product_version());
  out.platform = {text(hello.hyperscan_version()), hello.cpu_tune(), hello.cpu_features()};
  out.workers = hello.workers();
  out.pid = hello.pid();
  out.policy_version = hello.policy_version();
  if (const auto* sha256 = hello.policy_sha256()) out.policy_sha256.assign(sha256->begin(), sha256->end());
  out.start_wall_ns = hello.start_wall_ns();
  out.answers = hello.answers();
  return out;
}

}  // namespace

Result<FromDataPlane> decode_message(Bytes message) {
  flatbuffers::Verifier verifier(message.data(), message.size());
  if (!fbs::VerifySizePrefixedEnvelopeBuffer(verifier)) return fail(ErrorCode::channel_bad_message);
  const fbs::Envelope* envelope = fbs::GetSizePrefixedEnvelope(message.data());
  if (const auto* hello = envelope->message_as_Hello()) return decode(*hello);
  if (const auto* counters = envelope->message_as_Counters()) return decode(*counters);
  if (const auto* counts = envelope->message_as_Counts()) return decode(*counts);
  if (const auto* event = envelope->message_as_SessionEvent())
    return SessionEvent{event->kind() == fbs::SessionEventKind::opened, event->session()};
  if (const auto* result = envelope->message_as_BundleResult())
    return BundleResult{
        result->push_id(), {static_cast<ErrorCode>(result->error()), text(result->detail())}, result->policy_version()};
  if (const auto* flows = envelope->message_as_Flows())
    return AnswerPart{
        flows->request_id(), flows->last(), static_cast<ErrorCode>(flows->error()), {message.begin(), message.end()}};
  if (const auto* trace = envelope->message_as_TracePart())
    return AnswerPart{trace->request_id(), trace->last(), ErrorCode::ok, {message.begin(), message.end()}};
  auto holds = decode_hold_message(*envelope);
  if (!holds) return std::unexpected(holds.error());
  if (*holds) return std::move(**holds);
  return fail(ErrorCode::channel_bad_message, "the data plane sent a message that is not for control");
}

std::vector<std::uint8_t> encode_hello(const Error& error) {
  flatbuffers::FlatBufferBuilder builder;
  return finish(builder, fbs::CreateControlHelloDirect(builder, kChannelVersion, SLUICE_VERSION,
                                                       static_cast<std::uint16_t>(error.code), error.detail.c_str()));
}

std::vector<std::uint8_t> encode_push(std::uint64_t push_id, std::uint64_t size_bytes) {
  flatbuffers::FlatBufferBuilder builder;
  return finish(builder, fbs::CreateBundlePush(builder, push_id, size_bytes));
}

}  // namespace sluice::control
