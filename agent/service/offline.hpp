// What a journal file itself tells, beside a running agent or without one.
#pragma once

#include <filesystem>

#include "agent/journal/journal.hpp"

namespace tapline::service {

struct JournalFacts {
    journal::Identity identity;
    Seq max_seq = 0;
    std::int64_t depth = 0;   ///< pours not acked
    bool depth_exact = true;  ///< false: by their numbers, a long backlog isn't counted
    std::optional<std::string> oldest_recorded_at;
    std::int64_t free_bytes = 0;
    bool read_only = false;  ///< its file system isn't written any more (mount.hpp)
};

/// Reads only, and takes no lock that the agent or the tap's program could meet. Becomes the file's
/// owner first, as everything does. Throws refused/"not_adopted", refused/"wrong_owner", storage*.
[[nodiscard]] JournalFacts read_facts(const std::filesystem::path& file);

}  // namespace tapline::service
