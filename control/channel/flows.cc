// See flows.h.
#include "control/channel/flows.h"

#include <charconv>

#include "control/channel/envelope.h"

namespace sluice::control {
namespace {

namespace fbs = sluice::schema::channel;

// The whole text as a number of at most `largest`.
bool read_number(std::string_view text, std::uint32_t largest, std::uint32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty() && value <= largest;
}

// Takes ":PORT" off the end; false when what looks like one is none. Of an address with several colons only what
// follows a bracket is a port.
bool take_port(std::string_view& text, std::uint16_t& port) {
  const std::size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && (text.find(':') == colon || text[colon - 1] == ']');
  if (has_port) {
    std::uint32_t number = 0;
    if (!read_number(text.substr(colon + 1), 65535, number) || number == 0) return false;
    port = static_cast<std::uint16_t>(number);
    text = text.substr(0, colon);
  }
  if (!text.starts_with('[')) return true;
  if (!text.ends_with(']')) return false;
  text = text.substr(1, text.size() - 2);
  return true;
}

}  // namespace

Result<Endpoint> parse_endpoint(const std::string& text, const char* name) {
  Endpoint endpoint;
  const auto wrong = [&] {
    return fail(ErrorCode::bad_argument, std::string(name) +
                                             " must look like 10.0.0.7, 10.0.0.0/24, 10.0.0.7:8080, 2001:db8::7, "
                                             "2001:db8::/32, [2001:db8::7]:8080 or :8080");
  };
  std::string_view host = text;
  if (!take_port(host, endpoint.port)) return wrong();
  if (text.starts_with('[') && host.empty()) return wrong();
  if (host.empty()) return endpoint;
  const std::size_t slash = host.find('/');
  const auto address = parse_address(host.substr(0, slash));
  if (!address) return wrong();
  const unsigned before = address->is_ipv4() ? kIpv4PrefixBits : 0;
  std::uint32_t bits = kAddressBits - before;
  if (slash != std::string_view::npos && !read_number(host.substr(slash + 1), bits, bits)) return wrong();
  endpoint.bits = static_cast<std::uint8_t>(before + bits);
  endpoint.address = address->prefix(endpoint.bits);
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
  const auto service = builder.CreateString(query.service);
  const auto principal = builder.CreateString(query.principal);
  const auto mask_of = [](const Endpoint& end) {
    return end.bits > kIpv4PrefixBits ? ~std::uint32_t{0} << (kAddressBits - end.bits) : 0;
  };
  fbs::FlowsRequestBuilder request(builder);
  request.add_request_id(request_id);
  request.add_limit(query.limit);
  request.add_session(query.session);
  request.add_service(service);
  request.add_principal(principal);
  const fbs::Ipv6 client(query.client.address.high, query.client.address.low);
  const fbs::Ipv6 server(query.server.address.high, query.server.address.low);
  if (query.client.address.is_ipv4()) {
    request.add_client_address(query.client.address.ipv4());
    request.add_client_mask(mask_of(query.client));
  } else if (query.client.bits != 0) {
    request.add_client_ipv6(&client);
    request.add_client_ipv6_bits(query.client.bits);
  }
  if (query.server.address.is_ipv4()) {
    request.add_server_address(query.server.address.ipv4());
    request.add_server_mask(mask_of(query.server));
  } else if (query.server.bits != 0) {
    request.add_server_ipv6(&server);
    request.add_server_ipv6_bits(query.server.bits);
  }
  request.add_client_port(query.client.port);
  request.add_server_port(query.server.port);
  request.add_states(query.states);
  request.add_min_age_ns(query.min_age_ns);
  request.add_min_bytes(query.min_bytes);
  return finish(builder, request.Finish());
}

}  // namespace sluice::control
