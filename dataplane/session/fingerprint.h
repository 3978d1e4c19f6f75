// What a request is known again by when its client asks a second time: who sends it, its method, target and fields, its
// body and trailers, as they came. Bytes are taken as they come; nothing is kept of them.
//
// It is an HMAC with a key that is never on disk (this process drew it, or has it of the one before it): of what is
// masked on the record nobody can try out what it was.
// Left out are fields that differ from one time to the next and say nothing of what is asked: framing, time, traces;
// and the credentials that a principal was taken from, which stands for them. What rules found counts, so that such a
// field cannot bring what nobody saw.
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "common/bytes.h"
#include "dataplane/enforce/orders.h"
#include "dataplane/protocol/http1/head.h"
#include "dataplane/record/recorder.h"

namespace sluice::session {

using enforce::TicketKey;

class RequestDigest {
 public:
  RequestDigest();
  ~RequestDigest();
  RequestDigest(const RequestDigest&) = delete;
  RequestDigest& operator=(const RequestDigest&) = delete;

  struct Who {
    std::string_view service;
    std::string_view principal;
    std::string_view network;  // the principal that the policy knows by the client's network
    std::uint64_t source = 0;  // of the client: counts where the policy does not know it by its network
  };
  void begin(const Who& who, const http1::Head& head);
  void add(Bytes bytes);
  // Of a request that is whole, whose body had so many bytes and in which this was found; nothing when OpenSSL failed,
  // or there was no begin().
  std::optional<enforce::Fingerprint> finish(const TicketKey& key, std::uint64_t body_bytes,
                                             std::span<const record::Hit> found);

 private:
  void add_number(std::uint64_t number);
  void add_text(std::string_view text);
  void add_field(const http1::Head& head, const http1::Field& field);

  struct Free {
    void operator()(EVP_MD_CTX* digest) const;
  };
  std::unique_ptr<EVP_MD_CTX, Free> digest_;
  std::uint64_t added_bytes_ = 0;
  bool is_named_ = false;  // by its credentials
  bool is_sound_ = false;
};

}  // namespace sluice::session
