// Request targets and hosts (RFC 9112 section 3.2, RFC 3986 section 3.2.2). Internal to this folder.
#pragma once

#include <string_view>

namespace sluice::http1 {

// One of the four forms, as the method allows it.
bool is_request_target(std::string_view method, std::string_view target);
// host [":" port] without user information.
bool is_authority(std::string_view text);
// The authority of an absolute-form target, empty for the other forms.
std::string_view absolute_authority(std::string_view target);

}  // namespace sluice::http1
