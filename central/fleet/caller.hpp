// A device as its certificate names it.
#pragma once

#include <string>

#include "common/clock.hpp"
#include "common/row_hash.hpp"

namespace tapline::fleet {

struct Caller {
    std::string name;  ///< the certificate's common name: the controller
    std::string serial;
    RowHash fingerprint{};
    RowHash key_hash{};
    UtcTime not_after;
};

enum class Standing {
    enrolled,
    pending,  ///< of our authority, but not known here: an operator says what it is
    revoked,
};

}  // namespace tapline::fleet
