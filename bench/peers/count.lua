-- wrk says what it saw in one line of JSON.
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\ncount {"requests": %d, "bytes": %d, "seconds": %.6f, "errors": %d, "p50_us": %d, "p99_us": %d}\n',
    summary.requests, summary.bytes, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
