// See telemetry.h.
#include "dataplane/telemetry.h"

#include <rte_telemetry.h>

#include <mutex>

#include "common/assert.h"
#include "common/error.h"

namespace sluice {
namespace {

// DPDK's callbacks carry no context, and what is registered stays so until the process ends.
struct Source {
  std::mutex mutex;
  const worker::Worker* worker = nullptr;
  const worker::Loop* loop = nullptr;
};

Source& source() {
  static Source the_source;
  return the_source;
}

int tell_events(const char*, const char*, rte_tel_data* out) {
  const std::lock_guard lock(source().mutex);
  rte_tel_data_start_dict(out);
  if (source().worker == nullptr) return 0;
  for (std::size_t i = 1; i < error_count(); ++i) {
    const ErrorCode code = error_at(i);
    const std::uint64_t count = source().worker->errors().value(code);
    if (count != 0) rte_tel_data_add_dict_u64(out, std::string(error_name(code)).c_str(), count);
  }
  return 0;
}

int tell_worker(const char*, const char*, rte_tel_data* out) {
  const std::lock_guard lock(source().mutex);
  rte_tel_data_start_dict(out);
  if (source().worker == nullptr) return 0;
  rte_tel_data_add_dict_u64(out, "sessions_open", source().worker->sessions_open());
  rte_tel_data_add_dict_u64(out, "busy_ns", source().loop->busy_ns());
  rte_tel_data_add_dict_u64(out, "callers", source().worker->callers().size());
  rte_tel_data_add_dict_u64(out, "lost_events", source().worker->lost_events());
  return 0;
}

}  // namespace

Telemetry::Telemetry(const worker::Worker& worker, const worker::Loop& loop) {
  {
    const std::lock_guard lock(source().mutex);
    SLUICE_ASSERT(source().worker == nullptr);
    source().worker = &worker;
    source().loop = &loop;
  }
  (void)rte_telemetry_register_cmd("/sluice/events", tell_events,
                                   "What was refused, dropped, given up or noted, by its name; zeros are left out");
  (void)rte_telemetry_register_cmd("/sluice/worker", tell_worker, "Sessions, time that the worker was busy");
}

Telemetry::~Telemetry() {
  const std::lock_guard lock(source().mutex);
  source().worker = nullptr;
  source().loop = nullptr;
}

}  // namespace sluice
