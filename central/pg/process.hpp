// Starting PostgreSQL's programs without a shell, as an account that PostgreSQL accepts: it refuses
// to run as root.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace tapline::pg {

/// Who PostgreSQL's programs run as.
struct Account {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
    std::string name;
    bool switched = false;  ///< true: we are root and have to become this account
};

/// Ourselves, or `postgres` when we are root. Throws Error{refused, "no_account"}.
[[nodiscard]] Account postgres_account();

/// The directory with initdb and postgres of a major version ("15"), or of the newest when it is
/// empty: /usr/lib/postgresql/*/bin, then PATH. Throws Error{refused, "no_postgresql"}.
[[nodiscard]] std::filesystem::path postgres_programs(const std::string& major = {});

struct Spawn {
    std::vector<std::string> arguments;  ///< [0] is the program's whole path
    std::filesystem::path log;           ///< stdout and stderr, appended; empty: /dev/null
    int death_signal = 0;  ///< sent to it when the thread that starts it ends; 0: it lives on
};

/// Starts it in a session of its own. Throws Error{storage, "spawn"}.
[[nodiscard]] pid_t spawn(const Spawn& what, const Account& account);

/// spawn and wait. The exit code, or 128 + the signal.
[[nodiscard]] int run(const Spawn& what, const Account& account);

/// Whether the account may enter (search) the directory.
[[nodiscard]] bool can_enter(const std::filesystem::path& directory, const Account& account);

/// Living processes whose working directory is this one: a postmaster and all its children.
[[nodiscard]] std::vector<pid_t> processes_in(const std::filesystem::path& directory);

/// The last bytes of a text file, for error messages; empty when there is none.
[[nodiscard]] std::string tail(const std::filesystem::path& file, std::size_t bytes = 1'000);

}  // namespace tapline::pg
