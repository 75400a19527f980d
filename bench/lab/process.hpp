// Child processes of a measurement: started without a shell, ended by the pid that we started.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace tapline::bench {

/// SIGINT and SIGTERM only note that they came; every wait here ends with Error{refused,
/// "interrupted"} then, so that everything started is ended and every directory removed.
void install_interrupt_handler();
void throw_if_interrupted();

/// Sleeps in slices, so that an interrupt ends it.
void pause_for(std::chrono::milliseconds time);

/// Throws Error{unreachable, "timed_out"} with `what` when `condition` isn't true within `limit`.
void wait_until(
    const std::function<bool()>& condition,
    std::chrono::milliseconds limit,
    std::string_view what,
    std::chrono::milliseconds pause = std::chrono::milliseconds(20)
);

struct User {
    uid_t uid = 0;
    gid_t gid = 0;
};

struct Command {
    std::vector<std::string> arguments;  ///< [0] is the program's path
    std::map<std::string, std::string>
        environment;               ///< on top of ours without DATABASE_URL, PG*, …
    std::filesystem::path output;  ///< stdout, truncated; empty: into the log
    std::filesystem::path log;     ///< stderr, appended; empty: /dev/null
    std::optional<User> user;      ///< becomes this one first
    bool pipe_output = false;      ///< stdout comes through Child::output_fd()
    int death_signal = 9;          ///< sent to it when we die
    bool without_inotify = false;  ///< inotify_init1 fails with EMFILE in it
};

class Child {
  public:
    /// Throws Error{storage, "spawn"} when no process can be made, Error{refused, "no_program"}
    /// when arguments[0] can't be run.
    explicit Child(Command command);
    /// Ends it if it still runs.
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    [[nodiscard]] bool running();
    /// Exit code, 128 + signal; nullopt when it still runs after `limit`.
    [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds limit);
    /// Waits for exit 0. Throws Error{unreachable, "timed_out"} or Error{data, "failed"} with the
    /// end of its log.
    void require_success(std::chrono::milliseconds limit);
    /// `number`, 20 s later SIGKILL. Safe to call again.
    void stop(int number = 15) noexcept;

    [[nodiscard]] int output_fd() const noexcept { return output_fd_; }

    [[nodiscard]] std::string log_tail() const;

    [[nodiscard]] const std::string& name() const noexcept { return command_.arguments.front(); }

  private:
    bool reap(int flags) noexcept;

    Command command_;
    pid_t pid_ = -1;
    int output_fd_ = -1;
    std::optional<int> exit_code_;
};

/// Runs it to its end and returns its stdout. Throws what require_success throws.
[[nodiscard]] std::string output_of(Command command, std::chrono::milliseconds limit);

/// A loopback port below the ephemeral range that nobody listens on.
[[nodiscard]] int free_port();

}  // namespace tapline::bench
