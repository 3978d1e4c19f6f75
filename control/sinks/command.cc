// See command.h.
#include "control/sinks/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include <sys/pidfd.h>  // says nothing of C++ in glibc 2.36
}

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "common/file.h"

namespace sluice::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kKillWaitMs = 2000;

// Where the child reads its input from: memory, so that one that does not read stops nobody.
Result<Fd> memory_of(std::string_view input) {
  Fd memory(::memfd_create("sluice-alert", MFD_CLOEXEC));
  if (!memory.valid()) return std::unexpected(system_error("memfd_create"));
  for (std::string_view rest = input; !rest.empty();) {
    const ssize_t written = ::write(memory.get(), rest.data(), rest.size());
    if (written < 0) return std::unexpected(system_error("writing to memory"));
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::lseek(memory.get(), 0, SEEK_SET) != 0) return std::unexpected(system_error("lseek"));
  return memory;
}

struct SpawnOptions {
  SpawnOptions() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnOptions() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnOptions(const SpawnOptions&) = delete;
  SpawnOptions& operator=(const SpawnOptions&) = delete;
  posix_spawn_file_actions_t files = {};
  posix_spawnattr_t attributes = {};
};

// No signal of ours stays blocked or ignored in it, and it leads a process group.
void set_up(SpawnOptions& options, int input, int output) {
  ::posix_spawn_file_actions_adddup2(&options.files, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&options.files, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&options.files, output, STDERR_FILENO);
  ::posix_spawn_file_actions_addclosefrom_np(&options.files, STDERR_FILENO + 1);
  ::posix_spawn_file_actions_addchdir_np(&options.files, "/");
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&options.attributes, &none);
  ::posix_spawnattr_setsigdefault(&options.attributes, &all);
  ::posix_spawnattr_setpgroup(&options.attributes, 0);
  ::posix_spawnattr_setflags(&options.attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

Result<pid_t> spawn(const CommandSink& command, int input, int output) {
  SpawnOptions options;
  set_up(options, input, output);
  std::vector<std::string> words = command.argv;
  std::vector<std::string> variables = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                        "LANG=C.UTF-8"};
  std::vector<char*> argv;
  std::vector<char*> environment;
  for (std::string& word : words) argv.push_back(word.data());
  for (std::string& variable : variables) environment.push_back(variable.data());
  argv.push_back(nullptr);
  environment.push_back(nullptr);
  pid_t pid = 0;
  const int error =
      ::posix_spawn(&pid, argv.front(), &options.files, &options.attributes, argv.data(), environment.data());
  if (error == 0) return pid;
  errno = error;
  return std::unexpected(system_error("running " + command.argv.front()));
}

// Reads what is there; false at the end of it.
bool read_away(int output, std::string& shown) {
  std::array<char, kReadBytes> buffer;
  const ssize_t got = ::read(output, buffer.data(), buffer.size());
  if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
  const std::size_t room = CommandRunner::kShownBytes - shown.size();
  shown.append(buffer.data(), std::min(static_cast<std::size_t>(got), room));
  return true;
}

enum class Ending { exited, timed_out, stopped };

Ending wait_for(int child, int output, int stopped, Clock::time_point until, std::string& shown) {
  std::array<pollfd, 3> fds = {{{child, POLLIN, 0}, {stopped, POLLIN, 0}, {output, POLLIN, 0}}};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return Ending::timed_out;
    if (::poll(fds.data(), fds.size(), static_cast<int>(left)) < 0) continue;  // EINTR
    if (fds[2].revents != 0 && !read_away(output, shown)) fds[2].fd = -1;
    if (fds[0].revents != 0) {
      while (fds[2].fd >= 0 && ::poll(&fds[2], 1, 0) > 0 && shown.size() < CommandRunner::kShownBytes &&
             read_away(output, shown)) {
      }
      return Ending::exited;
    }
    if (fds[1].revents != 0) return Ending::stopped;
  }
}

// Of one that was killed; soon, unless it became somebody whom we may not kill.
bool has_ended(int child) {
  pollfd ended = {.fd = child, .events = POLLIN, .revents = 0};
  return child >= 0 && ::poll(&ended, 1, kKillWaitMs) == 1;
}

std::string said(std::string shown) {
  std::ranges::replace_if(shown, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, ' ');
  while (shown.ends_with(' ')) shown.pop_back();
  return shown.empty() ? shown : ", and says: " + shown;
}

}  // namespace

CommandRunner::CommandRunner() : stopped_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void CommandRunner::stop() {
  ::eventfd_write(stopped_.get(), 1);
}

Result<void> CommandRunner::run(const CommandSink& command, std::string_view input) {
  if (auto trusted = check_trusted_program(command.argv.front()); !trusted) return trusted;
  std::erase_if(left_, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
  const auto memory = memory_of(input);
  if (!memory) return std::unexpected(memory.error());
  std::array<int, 2> ends = {};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(system_error("pipe2"));
  const Fd output(ends[0]);
  Fd given(ends[1]);
  ::fcntl(output.get(), F_SETFL, O_NONBLOCK);  // of our end alone
  const auto until = Clock::now() + std::chrono::nanoseconds(command.timeout);
  const auto pid = spawn(command, memory->get(), given.get());
  if (!pid) return std::unexpected(pid.error());
  given.reset();
  const Fd child(::pidfd_open(*pid, 0));
  std::string shown;
  const Ending ending =
      child.valid() ? wait_for(child.get(), output.get(), stopped_.get(), until, shown) : Ending::stopped;
  const std::string& name = command.argv.front();
  if (ending != Ending::exited) {
    ::kill(-*pid, SIGKILL);
    ::kill(*pid, SIGKILL);  // should it have left its group
    if (!has_ended(child.get())) {
      left_.push_back(*pid);
      return fail(ErrorCode::io_failed, name + " took too long, and cannot be killed");
    }
  }
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (ending == Ending::stopped) return fail(ErrorCode::io_failed, name + " was ended");
  if (ending == Ending::timed_out) return fail(ErrorCode::io_failed, name + " took too long, and was killed");
  if (WIFSIGNALED(status))
    return fail(ErrorCode::io_failed, name + " was ended by signal " + std::to_string(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0)
    return fail(ErrorCode::io_failed,
                name + " ended with status " + std::to_string(WEXITSTATUS(status)) + said(std::move(shown)));
  return {};
}

}  // namespace sluice::control
