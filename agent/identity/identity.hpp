// Who this device is: one file, so that a power cut leaves the old identity or the new one.
//
//   identity.pem   first line "central https://HOST:PORT", then key, certificate, roots; mode 0600
//   enrolling.key  the key of an enrolment that isn't finished
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "agent/sync/credentials.hpp"
#include "common/clock.hpp"

namespace tapline::identity {

struct Identity {
    std::string central;  ///< URL it was enrolled at
    std::string name;     ///< the controller, as the certificate says
    std::shared_ptr<const sync::Credentials> credentials;
    UtcTime not_before;
    UtcTime not_after;
};

/// Error{data, "bad_identity"} when the parts don't belong together.
[[nodiscard]] Identity assemble(const std::string& central, sync::Credentials credentials);

/// nullopt: this device isn't enrolled. Error{data, "bad_identity"}, Error{storage, "read_file"}.
[[nodiscard]] std::optional<Identity> load(const std::filesystem::path& directory);

/// Whole or not at all. Error{storage | storage_full, "write_file"}.
void save(const std::filesystem::path& directory, const Identity& identity);

/// The key of the enrolment that is under way; made and written the first time.
[[nodiscard]] pki::Key enrolling_key(const std::filesystem::path& directory);
void forget_enrolling_key(const std::filesystem::path& directory);

}  // namespace tapline::identity
