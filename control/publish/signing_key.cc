// See signing_key.h.
#include "control/publish/signing_key.h"

#include <filesystem>

#include "common/log.h"

namespace sluice::control {

Result<rules::KeyPair> load_or_make_keys(const std::string& private_path, const std::string& public_path) {
  std::error_code ignored;
  if (!std::filesystem::exists(private_path, ignored)) {
    auto made = rules::generate_keypair();
    if (!made) return std::unexpected(made.error());
    if (auto written = rules::write_private_key(private_path, made->private_key); !written)
      return std::unexpected(written.error());
    log::info("made a signing key: " + private_path);
  }
  auto private_key = rules::load_private_key(private_path);
  if (!private_key) return std::unexpected(private_key.error());
  auto public_key = rules::public_key_of(*private_key);
  if (!public_key) return std::unexpected(public_key.error());
  if (!std::filesystem::exists(public_path, ignored)) {
    if (auto written = rules::write_public_key(public_path, *public_key); !written)
      return std::unexpected(written.error());
  }
  const auto published = rules::load_public_key(public_path);
  if (!published) return std::unexpected(published.error());
  if (*published != *public_key)
    return fail(ErrorCode::conflict, public_path + " is not the public key of " + private_path +
                                         "; remove it, or give the data plane's own with --public-key");
  return rules::KeyPair{std::move(*private_key), *public_key};
}

}  // namespace sluice::control
