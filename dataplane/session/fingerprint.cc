// See fingerprint.h.
#include "dataplane/session/fingerprint.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/protocol/http1/rewrite.h"
#include "dataplane/protocol/http1/syntax.h"

namespace sluice::session {
namespace {

constexpr std::string_view kLeftOut[] = {"content-length",
                                         "transfer-encoding",
                                         "expect",
                                         "date",
                                         "traceparent",
                                         "tracestate",
                                         "baggage",
                                         "b3",
                                         "x-request-id",
                                         "x-correlation-id",
                                         "x-b3-traceid",
                                         "x-b3-spanid",
                                         "x-amzn-trace-id",
                                         "x-b3-sampled",
                                         "x-b3-parentspanid",
                                         "sluice-ticket"};
constexpr std::size_t kMostNameBytes = 64;  // of those above

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool is_left_out(std::string_view name) {
  const auto same = [](char a, char b) { return lower(a) == b; };
  return std::ranges::any_of(kLeftOut, [&](std::string_view one) { return std::ranges::equal(name, one, same); });
}

}  // namespace

void RequestDigest::Free::operator()(EVP_MD_CTX* digest) const {
  ::EVP_MD_CTX_free(digest);
}

RequestDigest::RequestDigest() : digest_(::EVP_MD_CTX_new()) {}
RequestDigest::~RequestDigest() = default;

void RequestDigest::add(Bytes bytes) {
  added_bytes_ += bytes.size();
  is_sound_ = is_sound_ && ::EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size()) == 1;
}

void RequestDigest::add_number(std::uint64_t number) {
  add({reinterpret_cast<const std::uint8_t*>(&number), sizeof number});
}

// Behind its length, so that no two lists of texts read the same.
void RequestDigest::add_text(std::string_view text) {
  add_number(text.size());
  add(as_bytes(text));
}

void RequestDigest::add_field(const http1::Head& head, const http1::Field& field) {
  const std::string_view name = head.name(field);
  if (name.size() <= kMostNameBytes && is_left_out(name)) return;
  if (is_named_ && http1::equals_lower(name, "authorization")) return;
  std::array<char, kMostNameBytes> lowered;
  const std::size_t size = std::min(name.size(), lowered.size());
  std::transform(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(size), lowered.begin(), lower);
  add_text({lowered.data(), size});
  add_text(name.substr(size));
  add_text(head.value(field));
}

void RequestDigest::begin(const Who& who, const http1::Head& head) {
  is_sound_ = digest_ != nullptr && ::EVP_DigestInit_ex(digest_.get(), ::EVP_sha256(), nullptr) == 1;
  added_bytes_ = 0;
  is_named_ = !http1::basic_user(head).empty();
  for (const std::string_view text : {who.service, who.principal, who.network, head.method, head.target})
    add_text(text);
  // Anybody can give himself a name: such a one is the same caller only where it comes from.
  const bool is_known = !who.network.empty() && (who.principal.empty() || who.principal == who.network);
  add_number(is_known ? 0 : who.source);
  for (const http1::Field& field : head.fields) add_field(head, field);
  // A length that no text has: what follows is the body.
  add_number(~std::uint64_t{0});
}

std::optional<enforce::Fingerprint> RequestDigest::finish(const TicketKey& key, std::uint64_t body_bytes,
                                                          std::span<const record::Hit> found) {
  // Where the body ends and the trailers begin, and where what was found does.
  const std::array<std::uint64_t, 2> places = {body_bytes, added_bytes_};
  for (const record::Hit& hit : found) {
    add_text(hit.rule_name);
    add_number(hit.count);
  }
  std::array<std::uint8_t, EVP_MAX_MD_SIZE + sizeof places> inner{};
  unsigned size = 0;
  is_sound_ = is_sound_ && ::EVP_DigestFinal_ex(digest_.get(), inner.data(), &size) == 1;
  if (!std::exchange(is_sound_, false)) return std::nullopt;
  std::memcpy(inner.data() + size, places.data(), sizeof places);
  enforce::Fingerprint out{};
  unsigned out_size = 0;
  if (::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), inner.data(), size + sizeof places, out.data(),
             &out_size) == nullptr ||
      out_size != out.size())
    return std::nullopt;
  return out;
}

}  // namespace sluice::session
