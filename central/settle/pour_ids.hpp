// Ids of new rows in `pours`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tapline::settle {

/// UUIDs of version 7 (RFC 9562 §5.7): time first, then 74 random bits. In time order they fill the
/// primary keys of pours and receipt from the right instead of dirtying every page of them.
[[nodiscard]] std::vector<std::string> new_pour_ids(std::size_t count, std::int64_t utc_ms);

}  // namespace tapline::settle
