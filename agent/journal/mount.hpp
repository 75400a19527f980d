// Whether a file system has given up writing.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace tapline::journal {

/// Mounted read-only (statvfs), or stopped by the kernel after an error: ext4's `emergency_ro` and
/// `shutdown` stand among the options in /proc/self/mountinfo only (proc_pid_mountinfo(5)).
[[nodiscard]] bool is_read_only(const std::filesystem::path& directory);

/// The last field of that line of `mountinfo` whose device is "major:minor"; pure.
[[nodiscard]] bool says_read_only(std::string_view mountinfo, std::string_view device);

/// storage/"read_only", and what a technician does.
[[nodiscard]] Error read_only_error(const std::string& what, std::string_view why);

}  // namespace tapline::journal
