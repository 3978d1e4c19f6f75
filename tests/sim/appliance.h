// The appliance of a simulation: one worker between the inner ends of two wires, with a recorder in memory. Its buffers
// and the hosts' are counted apart: both must come back.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "dataplane/worker/worker.h"
#include "tests/sim/naps.h"
#include "tests/sim/sim_port.h"
#include "tests/sim/world.h"
#include "tests/support/memory_recorder.h"
#include "tests/support/test_policy.h"

namespace sluice::sim {

inline constexpr buffer::PoolSizes kPoolSizes{.frames = 16384, .jumbos = 512, .views = 32768};

// The hosts' buffers: an application that writes byte by byte pins a whole buffer with each write.
inline buffer::Pools& pools() {
  static buffer::Pools made = buffer::Pools::create("hosts", {.frames = 65536, .jumbos = 512, .views = 65536}).value();
  return made;
}

inline buffer::Pools& appliance_pools() {
  static buffer::Pools made = buffer::Pools::create("appliance", kPoolSizes).value();
  return made;
}

// A worker between the inner ends of two wires.
struct Appliance {
  Appliance(World& world, Wire& client_wire, Wire& server_wire, buffer::Pools& pools,
            const port::Capabilities& capabilities, const std::string& policy, std::uint64_t seed,
            const NapConfig& nap_config = {})
      : client_port(client_wire, 1, pools, capabilities, 20, seed),
        server_port(server_wire, 0, pools, capabilities, 20, seed + 1),
        worker({.sessions = 64,
                .half_open = 16,
                .limits = {.leg = {.give_up_after = 24 * 3600 * kSecond},
                           .handshake = 3600 * kSecond,
                           .rest_after = seed % 3 == 0 ? kSecond : 1},  // 1: whenever nothing is under way
                .hash_key = {seed, seed},
                .start_wall_ns = kSecond},
               client_port, server_port, pools, recorder, world.clock.now()),
        naps(world.clock,
             {[this, &world] {
                while (worker.burst(world.clock.now(), world.clock.now())) {
                }
              },
              [this, &world] { return worker.pending() ? world.clock.now() + kMillisecond : worker.next_deadline(); }},
             nap_config, seed + 2) {
    update.scratch = std::make_unique<inspect::Scratch>();
    update.policy = test::make_policy(policy, *update.scratch);
    EXPECT_TRUE(worker.offer(&update));
    world.add(naps.actor());
  }

  test::MemoryRecorder recorder;
  SimPort client_port;
  SimPort server_port;
  worker::PolicyUpdate update;
  worker::Worker worker;
  Naps naps;
};

}  // namespace sluice::sim
