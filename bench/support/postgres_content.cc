#include "bench/support/postgres_content.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "common/random.h"
#include "segment/item_mark.h"
#include "tests/unit/dataplane/protocol/postgres/wire.h"

namespace sluice::bench {
namespace {

struct Column {
  std::string_view name;
  std::uint32_t binary_type;
};
constexpr std::array<Column, 7> kColumns = {
    {{"id", 23}, {"customer", 23}, {"name", 25}, {"contact", 25}, {"total", 1700}, {"state", 25}, {"created", 1114}}};
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

struct Cell {
  std::string text;
  std::string binary = {};  // of a type that is not as its text
};
using Cells = std::array<Cell, kColumns.size()>;

Cell integer(std::uint64_t number) {
  return {std::to_string(number), postgres::be32(static_cast<std::uint32_t>(number))};
}

Cell amount(std::uint32_t whole, std::uint32_t cents) {
  return {fmt::format("{}.{:02}", whole, cents), postgres::be16(2) + postgres::be16(0) + postgres::be16(0) +
                                                     postgres::be16(2) + postgres::be16(whole) +
                                                     postgres::be16(cents * 100)};
}

Cell timestamp(Random& random) {
  using std::chrono::sys_days, std::chrono::year, std::chrono::microseconds;
  const auto month = static_cast<unsigned>(1 + random.below(12));
  const auto day = static_cast<unsigned>(1 + random.below(28));
  const auto hour = random.below(24);
  const auto minute = random.below(60);
  const auto second = random.below(60);
  const auto us = random.below(1'000'000);
  const auto days = sys_days(year(2026) / month / day) - sys_days(year(2000) / 1 / 1);
  const auto since =
      static_cast<std::uint64_t>(microseconds(days).count()) + ((hour * 60 + minute) * 60 + second) * 1'000'000 + us;
  return {fmt::format("2026-{:02}-{:02} {:02}:{:02}:{:02}.{:06}", month, day, hour, minute, second, us),
          postgres::be32(static_cast<std::uint32_t>(since >> 32)) + postgres::be32(static_cast<std::uint32_t>(since))};
}

Cells cells(Random& random, bool has_address) {
  const std::string_view given = pick(random, kGiven);
  const std::string_view family = pick(random, kFamily);
  const auto number = random.below(1000);
  Cells made;
  made[0] = integer(1'000'000 + random.below(9'000'000));
  made[1] = integer(10'000 + random.below(90'000));
  made[2].text = fmt::format("{} {}", given, family);
  made[3].text = has_address ? fmt::format("{}.{}{}@example.com", given, family, number)
                             : fmt::format("{} {}, extension {:<3}", given, family, number);
  const auto whole = static_cast<std::uint32_t>(random.below(1000));
  made[4] = amount(whole, static_cast<std::uint32_t>(random.below(100)));
  made[5].text = pick(random, kStates);
  made[6] = timestamp(random);
  return made;
}

void append_row(RowsAnswer& answer, const Cells& cells, bool is_binary) {
  std::string body;
  for (const Cell& cell : cells) {
    const bool is_coded = is_binary && !cell.binary.empty();
    body += postgres::sized(is_coded ? cell.binary : cell.text);
    mark(answer.content, is_coded ? Item::decoded : Item::value, cell.text.size());
    answer.content += cell.text;
  }
  mark(answer.content, Item::row, cells.size());
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

std::vector<RowsAnswer> rows_answers(std::size_t count, std::size_t rows, std::size_t rows_between, bool is_binary) {
  std::vector<RowsAnswer> all;
  for (std::size_t i = 0; i < count; ++i) {
    Random random(kRowsSeed + i);
    RowsAnswer answer;
    std::string columns;
    for (const Column& column : kColumns) {
      columns += is_binary ? postgres::column(column.name, column.binary_type, 0, 0, 1) : postgres::column(column.name);
      append_text(answer.content, column.name);
    }
    answer.wire = postgres::row_description(kColumns.size(), columns);
    for (std::size_t row = 0; row < rows; ++row) append_row(answer, cells(random, row % rows_between == 0), is_binary);
    const std::string tag = fmt::format("SELECT {}", rows);
    append_text(answer.content, tag);
    answer.wire += postgres::complete(tag) + postgres::ready();
    all.push_back(std::move(answer));
  }
  return all;
}

}  // namespace sluice::bench
