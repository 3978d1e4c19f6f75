#include "bench/support/postgres_content.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "common/random.h"
#include "segment/item_mark.h"
#include "tests/unit/dataplane/protocol/postgres/wire.h"

namespace sluice::bench {
namespace {

constexpr std::array<std::string_view, 7> kColumns = {"id", "customer", "name", "contact", "total", "state", "created"};
constexpr std::array<std::string_view, 10> kGiven = {"Ada",  "Grace", "Barbara", "Edsger", "Tony",
                                                     "Lynn", "Alan",  "Radia",   "Dennis", "Frances"};
constexpr std::array<std::string_view, 10> kFamily = {"Lovelace", "Hopper", "Liskov",  "Dijkstra", "Hoare",
                                                      "Conway",   "Turing", "Perlman", "Ritchie",  "Allen"};
constexpr std::array<std::string_view, 5> kStates = {"open", "paid", "shipped", "returned", "cancelled"};

template <std::size_t kCount>
std::string_view pick(Random& random, const std::array<std::string_view, kCount>& from) {
  return from[random.below(kCount)];
}

void mark(std::string& content, Item item, std::size_t length) {
  std::array<std::uint8_t, kMostMarkBytes> bytes{};
  const std::size_t count = write_mark(item, static_cast<std::uint32_t>(length), bytes.data());
  content.append(as_text(Bytes(bytes).first(count)));
}

void append_text(std::string& content, std::string_view text) {
  content += text;
  mark(content, Item::text, 0);
}

std::array<std::string, kColumns.size()> cells(Random& random, bool has_address) {
  const std::string_view given = pick(random, kGiven);
  const std::string_view family = pick(random, kFamily);
  const auto number = random.below(1000);
  return {std::to_string(1'000'000 + random.below(9'000'000)),
          std::to_string(10'000 + random.below(90'000)),
          fmt::format("{} {}", given, family),
          has_address ? fmt::format("{}.{}{}@example.com", given, family, number)
                      : fmt::format("{} {}, extension {:<3}", given, family, number),
          fmt::format("{}.{:02}", random.below(1000), random.below(100)),
          std::string(pick(random, kStates)),
          fmt::format("2026-{:02}-{:02} {:02}:{:02}:{:02}.{:06}", 1 + random.below(12), 1 + random.below(28),
                      random.below(24), random.below(60), random.below(60), random.below(1'000'000))};
}

void append_row(RowsAnswer& answer, const std::array<std::string, kColumns.size()>& values) {
  std::string body;
  for (const std::string& value : values) {
    body += postgres::sized(value);
    mark(answer.content, Item::value, value.size());
    answer.content += value;
  }
  mark(answer.content, Item::row, values.size());
  const std::string row = postgres::data_row(kColumns.size(), body);
  answer.row_bytes += row.size();
  answer.wire += row;
}

}  // namespace

std::string postgres_startup() {
  using std::string_view_literals::operator""sv;
  return postgres::startup("user\0ci\0database\0shop\0application_name\0orders\0"sv);
}

std::string postgres_greeting() {
  return postgres::authentication(0) + postgres::backend_key() + postgres::ready();
}

std::string rows_query() {
  return postgres::query(
      "select id, customer, name, contact, total, state, created from orders order by id limit 1000");
}

std::vector<RowsAnswer> rows_answers(std::size_t count, std::size_t rows, std::size_t rows_between) {
  std::vector<RowsAnswer> all;
  for (std::size_t i = 0; i < count; ++i) {
    Random random(kRowsSeed + i);
    RowsAnswer answer;
    std::string columns;
    for (const std::string_view name : kColumns) {
      columns += postgres::column(name);
      append_text(answer.content, name);
    }
    answer.wire = postgres::row_description(kColumns.size(), columns);
    for (std::size_t row = 0; row < rows; ++row) append_row(answer, cells(random, row % rows_between == 0));
    const std::string tag = fmt::format("SELECT {}", rows);
    append_text(answer.content, tag);
    answer.wire += postgres::complete(tag) + postgres::ready();
    all.push_back(std::move(answer));
  }
  return all;
}

}  // namespace sluice::bench
