// The lock between a contract that moves the journals' minimum and everybody who goes by it.
#pragma once

#include <cstdint>

namespace tapline::compat {

/// Shared by every transaction that settles or says hello, before it reads the minimum; exclusive
/// in the transaction of a contract that moves it. So what was settled by the old minimum is
/// committed before a contract looks at the fleet, and nothing reads the old one afterwards.
inline constexpr std::int64_t lock_key = 0x7461'706c'0000'0002;

}  // namespace tapline::compat
