// See keys.h. All of OpenSSL's part in bundles is here.
#include "rules/keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "common/fd.h"

namespace sluice::rules {
namespace {

constexpr std::size_t kMaxKeyFileBytes = 4096;

using Pkey = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>;

Pkey pkey_of_seed(Bytes seed) {
  return {EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()), EVP_PKEY_free};
}

Pkey pkey_of_public(Bytes key) {
  return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()), EVP_PKEY_free};
}

std::unexpected<Error> fail_system(std::string_view doing, const std::filesystem::path& path, int error) {
  return fail(ErrorCode::io_failed, fmt::format("{} {}: {}", doing, path.string(), std::strerror(error)));
}

// What a key file holds; wiped when it goes, for it may be a secret.
struct KeyText {
  std::array<char, kMaxKeyFileBytes> bytes{};
  std::size_t size = 0;
  KeyText() = default;
  KeyText(const KeyText&) = delete;
  KeyText& operator=(const KeyText&) = delete;
  ~KeyText() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

Result<void> read_key_file(const std::filesystem::path& path, bool is_private, KeyText& out) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return fail_system("opening key", path, errno);
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::bad_argument, fmt::format("{} is no regular file", path.string()));
  if (is_private && (status.st_mode & 077) != 0)
    return fail(ErrorCode::bad_argument,
                fmt::format("private key {0} can be read by others; chmod 600 {0}", path.string()));
  while (out.size < out.bytes.size()) {
    const ssize_t n = ::read(file.get(), out.bytes.data() + out.size, out.bytes.size() - out.size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_system("reading key", path, errno);
    if (n == 0) return {};
    out.size += static_cast<std::size_t>(n);
  }
  return fail(ErrorCode::bad_argument, fmt::format("{} is too long for a key", path.string()));
}

Result<void> write_file(const std::filesystem::path& path, mode_t mode, Bytes text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (file.get() < 0) return fail_system("creating key", path, errno);
  if (::fchmod(file.get(), mode) != 0) return fail_system("creating key", path, errno);
  while (!text.empty()) {
    const ssize_t n = ::write(file.get(), text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_system("writing key", path, errno);
    text = text.subspan(static_cast<std::size_t>(n));
  }
  if (::fsync(file.get()) != 0) return fail_system("writing key", path, errno);
  return {};
}

Result<void> write_pem(const std::filesystem::path& path, mode_t mode, const Pkey& pkey, bool is_private) {
  const Bio bio(BIO_new(BIO_s_secmem()), BIO_free);
  const bool written =
      pkey && bio &&
      (is_private ? PEM_write_bio_PKCS8PrivateKey(bio.get(), pkey.get(), nullptr, nullptr, 0, nullptr, nullptr)
                  : PEM_write_bio_PUBKEY(bio.get(), pkey.get())) == 1;
  if (!written) return fail(ErrorCode::io_failed, fmt::format("encoding the key for {}", path.string()));
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return write_file(path, mode, as_bytes({data, static_cast<std::size_t>(size)}));
}

std::unexpected<Error> fail_key(const std::filesystem::path& path, std::string_view kind, std::string_view pem) {
  return fail(ErrorCode::bad_argument,
              fmt::format("{} holds no Ed25519 {} key; {} or 32 raw bytes are read", path.string(), kind, pem));
}

}  // namespace

PrivateKey::PrivateKey(std::span<const std::uint8_t, kKeyBytes> seed) {
  std::ranges::copy(seed, seed_.begin());
}

PrivateKey::~PrivateKey() {
  OPENSSL_cleanse(seed_.data(), seed_.size());
}

PrivateKey::PrivateKey(PrivateKey&& other) noexcept : seed_(other.seed_) {
  OPENSSL_cleanse(other.seed_.data(), other.seed_.size());
}

PrivateKey& PrivateKey::operator=(PrivateKey&& other) noexcept {
  if (this != &other) {
    seed_ = other.seed_;
    OPENSSL_cleanse(other.seed_.data(), other.seed_.size());
  }
  return *this;
}

Result<KeyPair> generate_keypair() {
  const Pkey pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
  std::array<std::uint8_t, kKeyBytes> seed{};
  std::size_t size = seed.size();
  if (!pkey || EVP_PKEY_get_raw_private_key(pkey.get(), seed.data(), &size) != 1)
    return fail(ErrorCode::io_failed, "OpenSSL made no key");
  PrivateKey key(seed);
  OPENSSL_cleanse(seed.data(), seed.size());
  const auto public_key = public_key_of(key);
  if (!public_key) return std::unexpected(public_key.error());
  return KeyPair{std::move(key), *public_key};
}

Result<PublicKey> public_key_of(const PrivateKey& key) {
  const Pkey pkey = pkey_of_seed(key.seed());
  PublicKey out{};
  std::size_t size = out.size();
  if (!pkey || EVP_PKEY_get_raw_public_key(pkey.get(), out.data(), &size) != 1)
    return fail(ErrorCode::bad_argument, "no Ed25519 private key");
  return out;
}

KeyId key_id_of(Bytes public_key) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(public_key.data(), public_key.size(), digest.data());
  KeyId id{};
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

Result<std::array<std::uint8_t, kSignatureBytes>> sign(Bytes message, const PrivateKey& key) {
  const Pkey pkey = pkey_of_seed(key.seed());
  const DigestContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::array<std::uint8_t, kSignatureBytes> signature{};
  std::size_t size = signature.size();
  if (!pkey || !context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1)
    return fail(ErrorCode::bad_argument, "OpenSSL did not sign with this key");
  return signature;
}

bool verify_signature(Bytes message, Bytes signature, Bytes public_key) {
  if (public_key.size() != kKeyBytes || signature.size() != kSignatureBytes) return false;
  const Pkey pkey = pkey_of_public(public_key);
  const DigestContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return pkey && context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

Result<PrivateKey> load_private_key(const std::filesystem::path& path) {
  KeyText text;
  if (auto read = read_key_file(path, true, text); !read) return std::unexpected(read.error());
  const Bytes bytes = as_bytes({text.bytes.data(), text.size});
  if (bytes.size() == kKeyBytes) return PrivateKey(bytes.first<kKeyBytes>());
  const Bio bio(BIO_new_mem_buf(text.bytes.data(), static_cast<int>(text.size)), BIO_free);
  // An empty passphrase: never ask at a terminal.
  char no_passphrase[] = "";
  const Pkey pkey(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_passphrase) : nullptr, EVP_PKEY_free);
  std::array<std::uint8_t, kKeyBytes> seed{};
  std::size_t size = seed.size();
  if (!pkey || EVP_PKEY_get_base_id(pkey.get()) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_private_key(pkey.get(), seed.data(), &size) != 1)
    return fail_key(path, "private", "unencrypted PKCS#8 PEM");
  PrivateKey key(seed);
  OPENSSL_cleanse(seed.data(), seed.size());
  return key;
}

Result<PublicKey> load_public_key(const std::filesystem::path& path) {
  KeyText text;
  if (auto read = read_key_file(path, false, text); !read) return std::unexpected(read.error());
  PublicKey key{};
  if (text.size == kKeyBytes) {
    std::memcpy(key.data(), text.bytes.data(), kKeyBytes);
    return key;
  }
  const Bio bio(BIO_new_mem_buf(text.bytes.data(), static_cast<int>(text.size)), BIO_free);
  const Pkey pkey(bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr) : nullptr, EVP_PKEY_free);
  std::size_t size = key.size();
  if (!pkey || EVP_PKEY_get_base_id(pkey.get()) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_public_key(pkey.get(), key.data(), &size) != 1)
    return fail_key(path, "public", "PEM (PUBLIC KEY)");
  return key;
}

Result<void> write_private_key(const std::filesystem::path& path, const PrivateKey& key) {
  return write_pem(path, 0600, pkey_of_seed(key.seed()), true);
}

Result<void> write_public_key(const std::filesystem::path& path, const PublicKey& key) {
  return write_pem(path, 0644, pkey_of_public(key), false);
}

}  // namespace sluice::rules
