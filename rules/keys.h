// Ed25519 keys that sign bundles, and their files: PEM as OpenSSL writes it (PKCS#8, SubjectPublicKeyInfo)
// or 32 raw bytes. A private key is wiped when it goes, and is never part of an error.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "common/bytes.h"
#include "common/error.h"

namespace sluice::rules {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kSignatureBytes = 64;
inline constexpr std::size_t kKeyIdBytes = 8;

using PublicKey = std::array<std::uint8_t, kKeyBytes>;
using KeyId = std::array<std::uint8_t, kKeyIdBytes>;

class PrivateKey {
 public:
  explicit PrivateKey(std::span<const std::uint8_t, kKeyBytes> seed);
  ~PrivateKey();
  PrivateKey(const PrivateKey&) = delete;
  PrivateKey& operator=(const PrivateKey&) = delete;
  PrivateKey(PrivateKey&& other) noexcept;
  PrivateKey& operator=(PrivateKey&& other) noexcept;

  [[nodiscard]] Bytes seed() const { return seed_; }

 private:
  std::array<std::uint8_t, kKeyBytes> seed_;
};

struct KeyPair {
  PrivateKey private_key;
  PublicKey public_key;
};

Result<KeyPair> generate_keypair();
Result<PublicKey> public_key_of(const PrivateKey& key);
// First 8 bytes of the public key's SHA-256.
KeyId key_id_of(Bytes public_key);

Result<std::array<std::uint8_t, kSignatureBytes>> sign(Bytes message, const PrivateKey& key);
bool verify_signature(Bytes message, Bytes signature, Bytes public_key);

// Refuses a private key that group or others may read. Both take PEM or 32 raw bytes.
Result<PrivateKey> load_private_key(const std::filesystem::path& path);
Result<PublicKey> load_public_key(const std::filesystem::path& path);
// PEM; a private key with mode 0600, a public key 0644. Neither overwrites an existing file.
Result<void> write_private_key(const std::filesystem::path& path, const PrivateKey& key);
Result<void> write_public_key(const std::filesystem::path& path, const PublicKey& key);

}  // namespace sluice::rules
