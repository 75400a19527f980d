// Who a journal is, and on which hardware it lives.
#pragma once

#include <string>

namespace tapline::journal {

/// UUID version 4 from the kernel's random numbers, lower case with dashes.
[[nodiscard]] std::string make_uuid();

/// SHA-256 in hex over /etc/machine-id and the board's serial number where there is one (Raspberry
/// Pi). Reported so that a moved card is noticed; never an identity. Empty when neither exists.
[[nodiscard]] std::string hardware_fingerprint();

}  // namespace tapline::journal
