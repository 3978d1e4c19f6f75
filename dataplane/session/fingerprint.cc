// See fingerprint.h.
#include "dataplane/session/fingerprint.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstring>

namespace sluice::session {
namespace {

constexpr std::string_view kLeftOut[] = {
    "content-length",  "transfer-encoding", "expect",      "date",         "authorization",     "proxy-authorization",
    "traceparent",     "tracestate",        "baggage",     "b3",           "x-request-id",      "x-correlation-id",
    "x-amzn-trace-id", "x-b3-traceid",      "x-b3-spanid", "x-b3-sampled", "x-b3-parentspanid", "sluice-ticket"};
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
  is_sound_ = is_sound_ && ::EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size()) == 1;
}

// Behind its length, so that no two lists of texts read the same.
void RequestDigest::add_text(std::string_view text) {
  const std::uint64_t size = text.size();
  add({reinterpret_cast<const std::uint8_t*>(&size), sizeof size});
  add(as_bytes(text));
}

void RequestDigest::add_field(const http1::Head& head, const http1::Field& field) {
  const std::string_view name = head.name(field);
  if (name.size() <= kMostNameBytes && is_left_out(name)) return;
  std::array<char, kMostNameBytes> lowered;
  const std::size_t size = std::min(name.size(), lowered.size());
  std::transform(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(size), lowered.begin(), lower);
  add_text({lowered.data(), size});
  add_text(name.substr(size));
  add_text(head.value(field));
}

void RequestDigest::begin(const Who& who, const http1::Head& head) {
  is_sound_ = digest_ != nullptr && ::EVP_DigestInit_ex(digest_.get(), ::EVP_sha256(), nullptr) == 1;
  for (const std::string_view text : {who.service, who.principal, who.network, head.method, head.target})
    add_text(text);
  for (const http1::Field& field : head.fields) add_field(head, field);
  // A length that no text has: what follows is the body.
  constexpr std::uint64_t kBody = ~std::uint64_t{0};
  add({reinterpret_cast<const std::uint8_t*>(&kBody), sizeof kBody});
}

std::optional<enforce::Fingerprint> RequestDigest::finish(const TicketKey& key, std::uint64_t body_bytes) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE + sizeof body_bytes> inner{};
  unsigned size = 0;
  is_sound_ = is_sound_ && ::EVP_DigestFinal_ex(digest_.get(), inner.data(), &size) == 1;
  if (!std::exchange(is_sound_, false)) return std::nullopt;
  std::memcpy(inner.data() + size, &body_bytes, sizeof body_bytes);  // tells the body from the trailers
  enforce::Fingerprint out{};
  unsigned out_size = 0;
  if (::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), inner.data(), size + sizeof body_bytes,
             out.data(), &out_size) == nullptr ||
      out_size != out.size())
    return std::nullopt;
  return out;
}

}  // namespace sluice::session
