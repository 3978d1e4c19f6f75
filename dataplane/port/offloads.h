// What mbuf metadata says of checksums and sizes, and how to act on it in software.
// Convention of every frame inside Sluice: the IPv4 header checksum is right; a TCP or UDP checksum that
// something below is asked to fill (RTE_MBUF_F_TX_TCP_CKSUM, _UDP_CKSUM, _TCP_SEG) holds the folded
// pseudo-header sum over the real length.
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/frame.h"

namespace sluice::port {

// Is the L4 checksum of a received TCP frame right? Believes the port where it knows, adds up where it does not.
[[nodiscard]] bool tcp_checksum_ok(const rte_mbuf* frame, const wire::Frame& headers);
// The same of a frame with the same headers but for numbers, and so much payload.
[[nodiscard]] bool tcp_checksum_ok(const rte_mbuf* frame, const wire::Frame& headers, std::size_t payload_bytes);

// Is the checksum of a received ICMP or ICMPv6 frame right? No port is believed: few of them know.
[[nodiscard]] bool icmp_checksum_ok(const rte_mbuf* frame, const wire::Frame& headers);

// Turns what a port said on receipt (a coalesced frame, a partial checksum) into what another port must be
// asked for, so that the frame can leave unchanged. False when metadata and headers contradict each other:
// such a frame must not go out.
[[nodiscard]] bool prepare_forward(rte_mbuf* frame);

// Asks for the checksum (and with segment_bytes for segmentation) of a TCP frame whose headers were written by
// wire::write() into the first segment; ip_bytes is the IP header's length, which tells the family. A payload of at
// most segment_bytes is not cut.
void request_tcp_offloads(rte_mbuf* frame, std::size_t link_bytes, std::size_t ip_bytes, std::size_t tcp_header_bytes,
                          std::uint16_t segment_bytes);

// Finishes the checksum that the frame's TX flags ask for, and withdraws the request.
// False when the header does not lie in the first segment; the frame is unchanged.
[[nodiscard]] bool complete_checksum_in_software(rte_mbuf* frame);

// Finishes the checksum that covers [start, end) of the frame and whose field lies `offset` behind start.
[[nodiscard]] bool complete_checksum_at(rte_mbuf* frame, std::size_t start, std::size_t offset, std::size_t end);

// The folded pseudo-header sum (RFC 9293 section 3.1, RFC 8200 section 8.1) of an IPv4 or IPv6 header.
std::uint16_t pseudo_header_sum_of(const std::uint8_t* ip, std::uint8_t protocol, std::size_t l4_bytes);

}  // namespace sluice::port
