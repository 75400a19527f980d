// A revision file compiled into the program by tapline_embed_sql.
#pragma once

#include <span>
#include <string_view>

namespace tapline::revision {

struct EmbeddedFile {
    std::string_view name;  ///< file name without directory
    std::string_view body;  ///< byte for byte
};

}  // namespace tapline::revision
