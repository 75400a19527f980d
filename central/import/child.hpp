// Another program run to its end, without a shell, with limits.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace tapline::alembic {

struct Child {
    std::vector<std::string> arguments;  ///< [0] is the program's whole path
    std::map<std::string, std::string> environment;
    std::filesystem::path directory;  ///< where it works
};

/// Of one run.
struct ChildLimits {
    std::chrono::seconds time{300};
    std::size_t bytes = 64U << 20U;  ///< of stdout and stderr each
};

struct ChildEnd {
    int exit_code = 0;  ///< or 128 + the signal
    std::string out;
    std::string err;
};

/// stdin is empty. Blocks. Throws Error{refused, "child_limit"} when a limit was passed (it is
/// killed then), Error{storage, "spawn"}.
[[nodiscard]] ChildEnd run_child(const Child& child, const ChildLimits& limits);

/// text itself when it has a slash, made absolute; else where PATH has it. Throws
/// Error{usage, "no_program"}.
[[nodiscard]] std::filesystem::path find_program(const std::string& text);

}  // namespace tapline::alembic
