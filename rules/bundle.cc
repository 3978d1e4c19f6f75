// See bundle.h.
#include "rules/bundle.h"

#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>

#include <algorithm>

#include "schema/policy_generated.h"

namespace sluice::rules {

Result<std::vector<std::uint8_t>> sign_bundle(Bytes policy, const PrivateKey& key) {
  const auto signature = sign(policy, key);
  if (!signature) return std::unexpected(signature.error());
  const auto public_key = public_key_of(key);
  if (!public_key) return std::unexpected(public_key.error());
  const KeyId id = key_id_of(*public_key);

  flatbuffers::FlatBufferBuilder builder(policy.size() + 256);
  const auto policy_bytes = builder.CreateVector(policy.data(), policy.size());
  const auto id_bytes = builder.CreateVector(id.data(), id.size());
  const auto signature_bytes = builder.CreateVector(signature->data(), signature->size());
  builder.Finish(schema::policy::CreateBundle(builder, policy_bytes, id_bytes, signature_bytes),
                 schema::policy::BundleIdentifier());
  if (builder.GetSize() > kMaxBundleBytes)
    return fail(ErrorCode::bundle_malformed,
                fmt::format("{} bytes; at most {}: fewer rules, or fewer different rule lists", builder.GetSize(),
                            kMaxBundleBytes));
  return std::vector<std::uint8_t>(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
}

Result<std::vector<std::uint8_t>> open_bundle(Bytes bundle, Bytes public_key) {
  if (bundle.size() > kMaxBundleBytes)
    return fail(ErrorCode::bundle_malformed, fmt::format("larger than {} bytes", kMaxBundleBytes));
  const std::vector<std::uint8_t> copy(bundle.begin(), bundle.end());
  flatbuffers::Verifier verifier(copy.data(), copy.size(), 2, 1);
  if (!schema::policy::VerifyBundleBuffer(verifier))
    return fail(ErrorCode::bundle_malformed, "its envelope is no SLPB flatbuffer");
  const schema::policy::Bundle& envelope = *schema::policy::GetBundle(copy.data());
  if (envelope.policy() == nullptr || envelope.signature() == nullptr || envelope.key_id() == nullptr)
    return fail(ErrorCode::bundle_malformed, "policy, key id or signature is missing");

  const Bytes policy(envelope.policy()->data(), envelope.policy()->size());
  const Bytes signature(envelope.signature()->data(), envelope.signature()->size());
  const Bytes signed_by(envelope.key_id()->data(), envelope.key_id()->size());
  if (!std::ranges::equal(signed_by, key_id_of(public_key)))
    return fail(ErrorCode::bundle_bad_signature, "it names another key");
  if (!verify_signature(policy, signature, public_key)) return fail(ErrorCode::bundle_bad_signature);
  return std::vector<std::uint8_t>(policy.begin(), policy.end());
}

}  // namespace sluice::rules
