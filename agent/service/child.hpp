// Runs another program to its end, with limits.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace tapline::service {

struct Ran {
    int exit_code = -1;  ///< -1: it was killed, or couldn't be started
    bool late = false;   ///< killed at the time limit
    bool cut = false;    ///< it said more than was taken
    std::string output;
    std::string errors;
};

/// argv[0] is a path; no shell, no search. Nothing to read on its stdin. output and errors hold at
/// most max_bytes each; what comes after is read and dropped. At the limit it is killed with all
/// that it started. Never throws for what the program does.
[[nodiscard]] Ran run_child(
    const std::vector<std::string>& argv, std::chrono::milliseconds limit, std::size_t max_bytes
);

}  // namespace tapline::service
