// What it costs to know what a statement means: `sql/shape` is all that a worker does for a statement whose shape it
// knows (tokens, skeleton, hash, look-up); `sql/parse` is what a helper does for one that it does not.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "bench/support/figure.h"
#include "dataplane/sql/cache.h"
#include "dataplane/sql/grammar.h"
#include "dataplane/sql/shape.h"

namespace sluice::sql {
namespace {

constexpr std::string_view kUpdate = "UPDATE pgbench_accounts SET abalance = abalance + -1234 WHERE aid = 4711;";
constexpr std::string_view kSelect = "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;";
constexpr std::string_view kReport = R"(
WITH monthly AS (
  SELECT date_trunc('month', o.ordered_at) AS month, o.customer_id, sum(l.quantity * l.unit_price) AS revenue,
         count(DISTINCT o.id) AS orders
    FROM sales.orders o
    JOIN sales.order_lines l ON l.order_id = o.id
   WHERE o.ordered_at >= '2026-01-01' AND o.ordered_at < '2027-01-01' AND o.status IN ('paid', 'shipped', 'delivered')
   GROUP BY 1, 2
), ranked AS (
  SELECT month, customer_id, revenue, orders, rank() OVER (PARTITION BY month ORDER BY revenue DESC) AS place FROM monthly
)
SELECT r.month, c.name, c.country, r.revenue, r.orders, r.place,  -- what the quarterly report shows
       round(100.0 * r.revenue / nullif(sum(r.revenue) OVER (PARTITION BY r.month), 0), 2) AS share
  FROM ranked r
  JOIN crm.customers c ON c.id = r.customer_id
  LEFT JOIN crm.segments s ON s.customer_id = c.id AND s.kind = 'industry'
 WHERE r.place <= 25 AND c.country NOT IN ('DE', 'AT', 'CH') AND coalesce(s.name, '') <> 'internal'
 ORDER BY r.month, r.place
 LIMIT 1000;)";

constexpr ShapeKeys kKeys{.high = {1, 2}, .low = {3, 4}};

void shape(benchmark::State& state, std::string_view statement) {
  Shaper shaper(kKeys);
  FactsCache cache(4096);
  Shape known;
  if (shaper.shape(as_bytes(statement), {}, known) != ErrorCode::ok) return state.SkipWithError("no shape");
  cache.put(known.id, std::make_shared<const Facts>(read_facts(std::string(known.skeleton))));
  for (auto _ : state) {
    shaper.shape(as_bytes(statement), {}, known);
    benchmark::DoNotOptimize(cache.find(known.id));
  }
  bench::report_ns(state, "ns/statement");
}

void parse(benchmark::State& state, std::string_view statement) {
  Shaper shaper(kKeys);
  Shape known;
  if (shaper.shape(as_bytes(statement), {}, known) != ErrorCode::ok) return state.SkipWithError("no shape");
  const std::string skeleton(known.skeleton);
  for (auto _ : state) benchmark::DoNotOptimize(read_facts(skeleton));
  bench::report_ns(state, "ns/statement");
}

BENCHMARK_CAPTURE(shape, update, kUpdate)->Name("sql/shape/update");
BENCHMARK_CAPTURE(shape, select, kSelect)->Name("sql/shape/select");
BENCHMARK_CAPTURE(shape, report, kReport)->Name("sql/shape/report");
BENCHMARK_CAPTURE(parse, update, kUpdate)->Name("sql/parse/update");
BENCHMARK_CAPTURE(parse, select, kSelect)->Name("sql/parse/select");
BENCHMARK_CAPTURE(parse, report, kReport)->Name("sql/parse/report");

}  // namespace
}  // namespace sluice::sql

BENCHMARK_MAIN();
