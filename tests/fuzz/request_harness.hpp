// Bytes into the gateway, as a network would bring them. Shared by the libFuzzer target and by the
// test that replays seeds and findings under GCC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tapline::fuzz {

/// The first byte chooses the way. Even: the rest goes through a real socket to the real server, as
/// a client would send it, which then closes its half. Odd: "METHOD TARGET\nBODY" goes to the
/// routes as from a device with a certificate. Either way a decoded batch is encoded, decoded and
/// prepared for settling. Aborts when an answer isn't one of the wire, or the gateway doesn't let
/// go.
void run(const std::uint8_t* data, std::size_t size);

/// Inputs made of real messages; a name for each file.
struct Seed {
    std::string name;
    std::string bytes;
};

[[nodiscard]] std::vector<Seed> seeds();

}  // namespace tapline::fuzz
