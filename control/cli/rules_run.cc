// See rules_run.h.
#include "control/cli/rules_run.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/fd.h"
#include "common/session_id.h"

namespace sluice::cli {
namespace {

struct RunOptions {
  std::vector<std::string> policies, packs;
  std::string pack_directory, file, rule;
  std::string session, body = "response";
  std::uint32_t unit = 0;
  bool quick = false;
};

// Beside this program; in a build tree, where it was built.
std::string program() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto beside = self.parent_path() / "sluice-rules";
  if (!error && std::filesystem::exists(beside, error)) return beside.string();
  return std::filesystem::exists(SLUICE_RULES_BUILT, error) ? SLUICE_RULES_BUILT : "sluice-rules";
}

std::vector<std::string> arguments_of(const char* command, const Shared& shared, const RunOptions& options) {
  std::vector<std::string> arguments = {"sluice-rules", command};
  for (const std::string& policy : options.policies) arguments.insert(arguments.end(), {"--policy", policy});
  for (const std::string& pack : options.packs) arguments.insert(arguments.end(), {"--pack", pack});
  if (!options.pack_directory.empty()) arguments.insert(arguments.end(), {"--packs", options.pack_directory});
  if (shared.json) arguments.emplace_back("--json");
  if (options.quick) arguments.emplace_back("--quick");
  if (!options.rule.empty()) arguments.insert(arguments.end(), {"--", options.rule});
  if (!options.session.empty()) arguments.emplace_back("-");
  if (!options.file.empty()) arguments.insert(arguments.end(), {"--", options.file});
  return arguments;
}

// Negative errno when it cannot be started. `input`, unless it is -1, becomes its standard input.
pid_t start(const std::vector<std::string>& arguments, int input) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (input >= 0) posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &broken_pipe);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, program().c_str(), &actions, &attributes, pointers.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : -error;
}

Exit end_of(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return Exit::failed;
  }
  return WIFEXITED(status) ? static_cast<Exit>(WEXITSTATUS(status)) : Exit::failed;
}

Exit cannot_start(const Shared& shared, pid_t error) {
  return complain(shared, Exit::failed, std::string("sluice-rules cannot be started: ") + std::strerror(-error));
}

Exit run(const char* command, const Shared& shared, const RunOptions& options) {
  const pid_t pid = start(arguments_of(command, shared, options), -1);
  return pid < 0 ? cannot_start(shared, pid) : end_of(pid);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// A recorded body flows through, whatever its size.
Exit run_on_session(const Shared& shared, const RunOptions& options) {
  if (!parse_session_id(options.session))
    return complain(shared, Exit::usage, "a session id has 16 hexadecimal digits");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return complain(shared, Exit::failed, "no pipe can be made");
  Fd reading(ends[0]);
  Fd writing(ends[1]);
  signal(SIGPIPE, SIG_IGN);  // NOLINT: what the program does not read is not written
  const pid_t pid = start(arguments_of("test", shared, options), reading.get());
  if (pid < 0) return cannot_start(shared, pid);
  reading.reset();
  const std::string path =
      "/v1/sessions/" + options.session + "/units/" + std::to_string(options.unit) + "/" + options.body + "/body";
  bool taken = true;
  const Answer answer = Client(shared.socket_path).download(path, [&](std::string_view bytes) {
    return taken = write_all(writing.get(), bytes);
  });
  if (answer.exit != Exit::ok && taken) {
    kill(pid, SIGTERM);
    end_of(pid);
    return tell(shared, answer, nullptr);
  }
  writing.reset();
  return end_of(pid);
}

std::shared_ptr<RunOptions> add_names(CLI::App& command) {
  auto options = std::make_shared<RunOptions>();
  command.add_option("--policy", options->policies, "the rules of this policy file; may be given again")
      ->allow_extra_args(false);
  command.add_option("--pack", options->packs, "the rules of this pack; may be given again; else all packs")
      ->allow_extra_args(false);
  command.add_option("--packs", options->pack_directory, "where packs are");
  return options;
}

}  // namespace

void add_rules_run(CLI::App& rules, const Shared& shared, Exit& exit) {
  CLI::App* test = rules.add_subcommand("test", "what rules find in a text; without one, their own samples");
  const auto testing = add_names(*test);
  CLI::Option* file = test->add_option("FILE", testing->file, "the text; - for standard input");
  CLI::Option* session =
      test->add_option("--session", testing->session, "a body of this recorded session instead")->excludes(file);
  test->add_option("--unit", testing->unit, "of this unit")->needs(session)->capture_default_str();
  test->add_option("--body", testing->body, "of its request or its response")
      ->needs(session)
      ->check(CLI::IsMember({"request", "response"}))
      ->capture_default_str();
  test->callback([&shared, &exit, testing] {
    exit = testing->session.empty() ? run("test", shared, *testing) : run_on_session(shared, *testing);
  });
  CLI::App* explain = rules.add_subcommand("explain", "what a rule looks for, how, and what is done then");
  const auto explaining = add_names(*explain);
  explain->add_option("RULE", explaining->rule, "pack/rule or local/rule")->required();
  explain->callback([&shared, &exit, explaining] { exit = run("explain", shared, *explaining); });
  CLI::App* cost = rules.add_subcommand("cost", "what each rule costs on a text, the dearest first");
  const auto costing = add_names(*cost);
  cost->add_option("FILE", costing->file, "the text, - for standard input; else generated JSON, SQL, logs and prose");
  cost->add_flag("--quick", costing->quick, "leaves out the share of each rule, which takes longest");
  cost->callback([&shared, &exit, costing] { exit = run("cost", shared, *costing); });
}

}  // namespace sluice::cli
