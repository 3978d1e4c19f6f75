// Runs a program that is told of an alert: its argv as it stands, without a shell, the message on its standard input.
//
// It has nothing else of control's: no descriptor, no variable but PATH and LANG, `/` as its directory. It ends in its
// time, or it and what it started in its process group are killed; one that became another user may not be, and is not
// waited for. What it prints is read away; the first of it tells
// what went wrong.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/fd.h"
#include "control/alerts/rule.h"

namespace sluice::control {

class CommandRunner {
 public:
  static constexpr std::size_t kShownBytes = 400;  // of what it printed

  CommandRunner();

  // Ends well when the program ends with status 0. It must be root's or the running user's, and nobody else's to write,
  // now: it may have changed since the file was read that names it.
  Result<void> run(const CommandSink& command, std::string_view input);
  // From any thread, for good: ends what runs.
  void stop();

 private:
  Fd stopped_;               // an eventfd
  std::vector<pid_t> left_;  // that could not be killed: their ends are taken in when the next begins
};

}  // namespace sluice::control
