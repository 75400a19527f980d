// What a bundle for support is made of: texts, each cut at a limit and free of secrets.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/cli/redact.hpp"
#include "agent/service/settings.hpp"

namespace tapline::cli {

struct Part {
    std::string name;  ///< in the archive
    std::string text;
    std::string note;  ///< what went wrong with it; empty: nothing
    std::chrono::milliseconds took{0};
};

class PartMaker {
  public:
    /// No child process is started after `end`. Nothing here opens a journal: children of this
    /// program do, each as the journal's owner.
    PartMaker(
        const service::Flags& flags,
        const service::Settings& settings,
        std::chrono::steady_clock::time_point end
    );

    /// Output of a verb of this program, with the settings' flags where it takes them.
    [[nodiscard]] Part verb(
        const std::string& name, std::vector<std::string> arguments, std::chrono::milliseconds limit
    ) const;
    /// Another program's output; `note` when it isn't there.
    [[nodiscard]] Part program(const std::string& name, const std::vector<std::string>& argv) const;
    /// The last MiB of a file; of a log.
    [[nodiscard]] Part file(const std::string& name, const std::string& path) const;
    /// The effective settings, by the names of agent.toml.
    [[nodiscard]] Part settings_part() const;
    /// The public half of the identity.
    [[nodiscard]] Part identity_part() const;
    /// Lines of the kernel's log about the card, power, heat and memory.
    [[nodiscard]] Part kernel_part() const;
    [[nodiscard]] Part system_part() const;

    /// --journal, --config, … as this program was given them.
    [[nodiscard]] std::vector<std::string> given_flags() const;

  private:
    [[nodiscard]] Part finished(Part part) const;
    [[nodiscard]] Part child(
        Part part, const std::vector<std::string>& argv, std::chrono::milliseconds limit
    ) const;

    const service::Flags& flags_;
    const service::Settings& settings_;
    std::chrono::steady_clock::time_point end_;
    Redactor redactor_;
};

}  // namespace tapline::cli
