// The one place where a bundle becomes the running policy: verified, safely on disk, applied, kept.
// What is refused leaves no trace: the workers and the file stay as they were.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "dataplane/channel/channel.h"
#include "dataplane/channel/messages.h"

namespace sluice::channel {

class BundleKeeper {
 public:
  BundleKeeper(std::string path, std::vector<std::uint8_t> public_key, Host& host)
      : path_(std::move(path)), public_key_(std::move(public_key)), host_(host) {}

  // Applies the bundle kept from an earlier run; not_found when there is none.
  Result<void> apply_kept();
  // Takes a new bundle whole or refuses it whole.
  Result<void> take(Bytes bundle);
  [[nodiscard]] const Running& running() const { return running_; }

 private:
  Result<void> apply(std::unique_ptr<const enforce::Snapshot> snapshot);

  std::string path_;
  std::vector<std::uint8_t> public_key_;
  Host& host_;
  Running running_;
};

}  // namespace sluice::channel
