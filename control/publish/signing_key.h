// The key that signs bundles: made at the first start, private in the state directory, public where the
// data plane is told to look.
#pragma once

#include <string>

#include "common/error.h"
#include "rules/keys.h"

namespace sluice::control {

// Loads the pair, or makes it when there is no private key. A missing public file is written again;
// one that belongs to another key is refused, because a data plane that trusts it would refuse every bundle.
Result<rules::KeyPair> load_or_make_keys(const std::string& private_path, const std::string& public_path);

}  // namespace sluice::control
