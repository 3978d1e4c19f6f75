// See flows.h.
#include "control/channel/flows.h"

#include <arpa/inet.h>

#include <charconv>

#include "schema/channel_generated.h"

namespace sluice::control {
namespace {

namespace fbs = sluice::schema::channel;

// The whole text as a number of at most `largest`.
bool read_number(std::string_view text, std::uint32_t largest, std::uint32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty() && value <= largest;
}

}  // namespace

Result<Endpoint> parse_endpoint(const std::string& text, const char* name) {
  Endpoint endpoint;
  if (text.empty()) return endpoint;
  const auto wrong = [&] {
    return fail(ErrorCode::bad_argument,
                std::string(name) + " must look like 10.0.0.7, 10.0.0.0/24, 10.0.0.7:8080 or :8080");
  };
  std::string address = text;
  if (const auto colon = text.find(':'); colon != std::string::npos) {
    std::uint32_t port = 0;
    if (!read_number(std::string_view(text).substr(colon + 1), 65535, port) || port == 0) return wrong();
    endpoint.port = static_cast<std::uint16_t>(port);
    address.resize(colon);
    if (address.empty()) return endpoint;
  }
  std::uint32_t bits = 32;
  if (const auto slash = address.find('/'); slash != std::string::npos) {
    if (!read_number(std::string_view(address).substr(slash + 1), 32, bits)) return wrong();
    address.resize(slash);
  }
  in_addr parsed = {};
  if (::inet_pton(AF_INET, address.c_str(), &parsed) != 1) return wrong();
  endpoint.mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
  endpoint.address = ntohl(parsed.s_addr) & endpoint.mask;
  return endpoint;
}

Result<std::uint16_t> parse_states(const std::string& text) {
  unsigned states = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    const std::string_view word = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const auto* names = fbs::EnumNamesTcpState();
    unsigned n = 0;
    while (names[n] != nullptr && word != names[n]) ++n;
    if (names[n] == nullptr) {
      std::string known;
      for (unsigned i = 0; names[i] != nullptr; ++i) known += (i == 0 ? "" : ", ") + std::string(names[i]);
      return fail(ErrorCode::bad_argument, "state must be one or more, with commas between, of " + known);
    }
    states |= 1U << n;
  }
  return static_cast<std::uint16_t>(states);
}

MessageBytes encode_flows_request(std::uint64_t request_id, const FlowQuery& query) {
  flatbuffers::FlatBufferBuilder builder;
  const auto request = fbs::CreateFlowsRequestDirect(
      builder, request_id, query.limit, query.session, query.service.c_str(), query.principal.c_str(),
      query.client.address, query.client.mask, query.client.port, query.server.address, query.server.mask,
      query.server.port, query.states, query.min_age_ns, query.min_bytes);
  fbs::FinishSizePrefixedEnvelopeBuffer(builder,
                                        fbs::CreateEnvelope(builder, fbs::Message::FlowsRequest, request.Union()));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

}  // namespace sluice::control
