// See top.h.
#include "control/cli/top.h"

#include <curses.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <clocale>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>

#include "control/cli/callers.h"
#include "control/cli/text.h"

namespace sluice::cli {
namespace {

// The data plane reports once a second: two looks within one show nothing.
constexpr std::uint64_t kLeastIntervalNs = 1'000'000'000;
constexpr const char* kPath = "/v1/callers";

struct TopOptions {
  std::string order{kCallerOrders[0]};
  std::string interval = "2s";
  bool once = false;
};

class Screen {
 public:
  Screen() {
    std::setlocale(LC_ALL, "");
    initscr();
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
  }
  ~Screen() { endwin(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // As many lines as fit, each cut at the right edge; the first two stand out.
  static void show(const std::string& text) {
    erase();
    std::istringstream lines(text);
    std::string line;
    for (int row = 0; row < LINES && std::getline(lines, line); ++row) {
      if (row < 2) attron(A_BOLD);
      mvaddnstr(row, 0, line.c_str(), COLS);
      if (row < 2) attroff(A_BOLD);
    }
    refresh();
  }
  // The key that was pressed within that time, or ERR.
  static int wait(std::chrono::milliseconds time) {
    timeout(static_cast<int>(time.count()));
    return getch();
  }
};

std::string title(const Json& now, std::string_view order) {
  return "sluice top  " + human_time(now.value("at", "")) + "  by " + std::string(order) +
         "  (r requests, e errors, d denied, b bytes, w wait, q ends)\n";
}

std::optional<std::string_view> order_of(int key) {
  const auto* const found = std::ranges::find_if(kCallerOrders, [key](std::string_view o) { return o[0] == key; });
  if (found == std::end(kCallerOrders)) return std::nullopt;
  return *found;
}

Exit run_once(const Shared& shared, const TopOptions& options, std::chrono::milliseconds interval) {
  const Client client(shared.socket_path);
  const Answer before = client.get(kPath);
  if (before.exit != Exit::ok) return tell(shared, before, nullptr);
  std::this_thread::sleep_for(interval);
  const Answer after = client.get(kPath);
  if (after.exit != Exit::ok || shared.json) return tell(shared, after, nullptr);
  std::cout << callers_text(caller_rates(before.json, after.json, options.order));
  return Exit::ok;
}

Exit run_live(const Shared& shared, const TopOptions& options, std::chrono::milliseconds interval) {
  const Client client(shared.socket_path);
  Answer before = client.get(kPath);
  if (before.exit != Exit::ok) return tell(shared, before, nullptr);
  Answer after = before;
  std::string_view order = options.order;
  {
    const Screen screen;
    for (;;) {
      Screen::show(title(after.json, order) + callers_text(caller_rates(before.json, after.json, order)));
      const int key = Screen::wait(interval);
      if (key == 'q') return Exit::ok;
      if (const auto chosen = order_of(key)) order = *chosen;
      if (key != ERR) continue;
      before = std::move(after);
      after = client.get(kPath);
      if (after.exit != Exit::ok) break;
    }
  }
  return tell(shared, after, nullptr);
}

Exit top(const Shared& shared, const TopOptions& options) {
  const auto interval_ns = duration_ns(options.interval);
  if (!interval_ns || *interval_ns < kLeastIntervalNs)
    return complain(shared, Exit::usage, "--interval takes a number and s, m, h or d, at least 1s");
  const auto interval = std::chrono::milliseconds(*interval_ns / 1'000'000);
  const bool live = !options.once && !shared.json && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  return live ? run_live(shared, options, interval) : run_once(shared, options, interval);
}

}  // namespace

void add_top(CLI::App& app, const Shared& shared, Exit& exit) {
  auto options = std::make_shared<TopOptions>();
  CLI::App* command = app.add_subcommand("top", "who calls what how often now: requests, errors, bytes, waits");
  command->add_option("--by", options->order, "what comes first")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kCallerOrders), std::end(kCallerOrders))))
      ->capture_default_str();
  command->add_option("--interval", options->interval, "between two looks")->capture_default_str();
  command->add_flag("--once", options->once, "one look, and ends; so it is where no terminal is");
  command->callback([&shared, &exit, options] { exit = top(shared, *options); });
}

}  // namespace sluice::cli
