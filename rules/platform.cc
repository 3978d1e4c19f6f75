// See platform.h.
#include "rules/platform.h"

#include <hs/hs.h>

namespace sluice::rules {

Platform this_platform() {
  Platform platform;
  platform.hyperscan_version = hs_version();
  hs_platform_info_t info{};
  if (hs_populate_platform(&info) == HS_SUCCESS) {
    platform.cpu_tune = info.tune;
    platform.cpu_features = info.cpu_features;
  }
  return platform;
}

}  // namespace sluice::rules
