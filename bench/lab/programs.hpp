// tapline's own programs, as a bar runs them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/lab/process.hpp"

namespace tapline::bench {

/// Where they are, and an environment that keeps this machine's own tapline out: no settings of
/// /etc/tapline, and status files in a directory of ours on a tmpfs, as in service.
struct Programs {
    std::filesystem::path directory;
    std::map<std::string, std::string> environment;
};

/// `tapline-central upgrade`: both lineages to head.
void upgrade_database(
    const Programs& programs, const std::string& database_url, const std::filesystem::path& log
);

/// Status of a GET on the loopback, 0 when nobody answers.
[[nodiscard]] int http_status(int port, const std::string& path);

class Central {
  public:
    /// Returns when /readyz answers 200.
    Central(
        const Programs& programs, const std::string& database_url, const std::filesystem::path& log
    );

    [[nodiscard]] std::string url() const;

    [[nodiscard]] pid_t pid() const noexcept { return child_->pid(); }

    void stop() { child_->stop(); }

  private:
    int port_;
    std::unique_ptr<Child> child_;
};

struct AgentOptions {
    std::string name;
    std::string central_url;
    std::vector<std::filesystem::path> journals;
    bool without_inotify = false;  ///< commits are noticed by polling alone
};

[[nodiscard]] std::unique_ptr<Child> start_agent(
    const Programs& programs, const AgentOptions& options, const std::filesystem::path& log
);

}  // namespace tapline::bench
