// Who a journal is, and on which hardware it lives.
#pragma once

#include <string>

namespace tapline::journal {

/// UUID version 4 from the kernel's random numbers, lower case with dashes.
[[nodiscard]] std::string make_uuid();

/// SHA-256 in hex over what tells one device from another: /etc/machine-id, which a copied card
/// takes along, and the board's serial number (Raspberry Pi), or where there is none the built-in
/// network interfaces' addresses, which it doesn't. Reported so that a moved or copied card is
/// noticed; never an identity. Empty when none of them exists. TAPLINE_TEST_FINGERPRINT stands in
/// for it in tests.
[[nodiscard]] std::string hardware_fingerprint();

}  // namespace tapline::journal
