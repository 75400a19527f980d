// What the handover writes into files, and when it had better not. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tapline::handover {

/// A file as it is to become, or why a person has to write it.
struct NewText {
    std::string text;      ///< whole
    bool changed = false;  ///< false: it is so already
    std::string refusal;   ///< not empty: left alone, and this is what stands in the way
    std::string to_write;  ///< then: the lines that a person writes
};

/// The part of systemd's settings that makes the agent the journal's owner, who alone may open it,
/// and lets it write there (systemd.exec(5), User=, ReadWritePaths=).
struct DropIn {
    std::string user;
    std::string group;
    std::string directory;  ///< of the journal
};

/// old: the drop-in as it is. One of ours for the same owner gets the directory besides its own;
/// one for another owner, or by a person and without these lines, is refused: one service runs as
/// one user.
[[nodiscard]] NewText drop_in_text(const DropIn& wanted, const std::optional<std::string>& old);

/// A path as ReadWritePaths= takes it: quoted where need be, '%' doubled (systemd.unit(5)).
[[nodiscard]] std::string systemd_path(const std::string& path);

using SameFile = std::function<bool(const std::string& one, const std::string& other)>;

/// old: agent.toml as it is. A journal that it names stays named; without `journal` in it a line is
/// put at its end. What a person wrote is never rewritten: where another journal is named, or a
/// line at the end would mean something else, it is refused. `same` tells whether two paths are one
/// file. Throws usage/"config" when it can't be read.
[[nodiscard]] NewText settings_text(
    const std::optional<std::string>& old, const std::string& journal, const SameFile& same
);

}  // namespace tapline::handover
