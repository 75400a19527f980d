// PostgreSQL's table locks, weakest first (PostgreSQL 15, 13.3.1 Table-Level Locks).
#pragma once

#include <cstdint>
#include <string_view>

namespace tapline::lint {

/// In the order of LOCKMODE in storage/lockdefs.h, so that a larger one is a stronger one.
enum class Lock : std::uint8_t {
    none,
    access_share,
    row_share,
    row_exclusive,
    share_update_exclusive,
    share,
    share_row_exclusive,
    exclusive,
    access_exclusive,
};

/// As the manual writes it: "SHARE ROW EXCLUSIVE"; "" for none.
[[nodiscard]] constexpr std::string_view to_string(Lock lock) noexcept {
    constexpr std::string_view names[] = {
        "",
        "ACCESS SHARE",
        "ROW SHARE",
        "ROW EXCLUSIVE",
        "SHARE UPDATE EXCLUSIVE",
        "SHARE",
        "SHARE ROW EXCLUSIVE",
        "EXCLUSIVE",
        "ACCESS EXCLUSIVE",
    };
    return names[static_cast<std::size_t>(lock)];
}

/// INSERT, UPDATE and DELETE take ROW EXCLUSIVE, which these conflict with.
[[nodiscard]] constexpr bool stops_writes(Lock lock) noexcept {
    return lock >= Lock::share;
}

/// Also SELECT waits.
[[nodiscard]] constexpr bool stops_everybody(Lock lock) noexcept {
    return lock == Lock::access_exclusive;
}

}  // namespace tapline::lint
