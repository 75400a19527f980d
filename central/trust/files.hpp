// Where the authority's and the server's keys and certificates stand. All files have mode 0600.
//
//   ca.key      the authority's key: whoever has it can make a device
//   ca.pem      the roots that are believed; ca.key belongs to one of them
//   next.key    the key of the next authority, while it is being introduced
//   server.pem  the server's key, its certificate, the root
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "central/trust/authority.hpp"

namespace tapline::trust {

/// What `serve` needs. PEM texts.
struct Material {
    std::string server_key;
    std::string server_chain;  ///< certificate first, root last
    std::string roots;         ///< who may have signed a device's certificate
    /// Absent: devices can be checked but not enrolled here.
    std::optional<Authority> authority;
};

/// Files of the operator's own; ca_key may be empty.
struct Paths {
    std::filesystem::path certificate;
    std::filesystem::path key;
    std::filesystem::path ca;
    std::filesystem::path ca_key;
};

[[nodiscard]] Paths paths_in(const std::filesystem::path& directory);

/// Makes what is missing: a run that was cut off goes on from there. Overwrites nothing:
/// Error{refused, "tls_exists"} when all is there already.
[[nodiscard]] Material init(
    const std::filesystem::path& directory, const std::vector<std::string>& names, UtcTime now
);

/// A new key and certificate for the server, signed by the authority that is there; the names are
/// the old ones unless some are given. The old file is replaced in one step.
[[nodiscard]] Material renew_server(
    const std::filesystem::path& directory, std::vector<std::string> names, UtcTime now
);

/// The first half of a new authority: its key stands in next.key, its root behind the others in
/// ca.pem, so that devices learn it with their next renewal. Running it again changes nothing.
[[nodiscard]] Material begin_rotation(const std::filesystem::path& directory, UtcTime now);

/// The second half: next.key becomes ca.key and signs the server anew. The old root stays in ca.pem
/// until somebody takes it out. A run that was cut off goes on.
[[nodiscard]] Material finish_rotation(const std::filesystem::path& directory, UtcTime now);

/// Error{usage, "tls_files"} when a file is missing, the key isn't the certificate's, or the
/// server's certificate isn't signed by the authority.
[[nodiscard]] Material load(const Paths& paths);

}  // namespace tapline::trust
