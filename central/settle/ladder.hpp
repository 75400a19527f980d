// What a failure means for the batches that met it. Pure.
#pragma once

#include <chrono>
#include <string_view>

#include "common/error.hpp"

namespace tapline::settle {

enum class Fault {
    row,      ///< some row's content or a rule of the schema: found row by row, kept in quarantine
    wait,     ///< a lock, a deadlock, a cancelled statement: the batch alone waits and comes again
    session,  ///< the connection, the disk, a read-only server: nobody's fault, all come again
};

/// sqlstate: PostgreSQL, Appendix A. Classes 21, 22, 23, 0A, 2F, 38, 39, 42, 44 and P0 are a row's;
/// 08, 25, 28, 3D, 53, 57P, 58 and an empty one are the session's; the rest waits alone, so that a
/// code nobody thought of can't stop the whole fleet.
[[nodiscard]] Fault classify(std::string_view sqlstate) noexcept;
[[nodiscard]] Fault classify(const Error& error) noexcept;

/// A journal that made a group fail stays off the fast lane for this long.
inline constexpr std::chrono::seconds penalty{30};
/// In the second try, batch by batch on the fast lane, a blocked batch may cost the others this
/// much.
inline constexpr std::chrono::milliseconds retry_lock_timeout{50};
/// Rows committed together on the slow lane; bounds how long it holds locks that others want.
inline constexpr std::chrono::milliseconds slow_commit_after{100};

}  // namespace tapline::settle
