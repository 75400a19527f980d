// The running agent's word on itself: one small JSON file in memory (tmpfs), never on the SD card.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config.hpp"

namespace tapline::service {

/// Open, and locked, for as long as the agent runs: the lock tells a reader that it is alive.
class StatusFile {
  public:
    /// path empty: agent-<name>.json in $RUNTIME_DIRECTORY, /run/tapline, $XDG_RUNTIME_DIR/tapline
    /// or /dev/shm/tapline-<uid>, whichever can be used first. nullopt, with a line in the log,
    /// when there is none: the agent works without.
    [[nodiscard]] static std::optional<StatusFile> open(
        const std::string& path, const std::string& name, const Environment& environment
    );

    ~StatusFile();
    StatusFile(StatusFile&& other) noexcept;
    StatusFile& operator=(StatusFile&&) = delete;

    void write(const std::string& text) const;

  private:
    explicit StatusFile(int descriptor) : descriptor_(descriptor) {}

    int descriptor_;
};

/// Where a running agent may keep small files in memory, the best place first; none is made here.
[[nodiscard]] std::vector<std::filesystem::path> runtime_directories(const Environment& environment
);
/// Makes it if need be. Nobody else may have put it there: what we write would follow their links.
[[nodiscard]] bool usable_runtime_directory(const std::filesystem::path& directory);

struct FoundStatus {
    std::string text;
    bool alive = false;
};

/// The status files that a reader can see; at most 64. path not empty: that one only.
[[nodiscard]] std::vector<FoundStatus> find_status_files(
    const std::string& path, const Environment& environment
);

}  // namespace tapline::service
