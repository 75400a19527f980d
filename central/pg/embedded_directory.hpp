// The directory of an embedded PostgreSQL: who may enter it, where its socket goes. Private to
// central/pg. All throw Error{refused, "embedded_directory"}.
#pragma once

#include <filesystem>
#include <string>

#include "central/pg/process.hpp"

namespace tapline::pg {

[[noreturn]] void refuse_directory(const std::string& what, const std::string& hint);

/// Makes it if need be; then it is the account's, mode 0700. Refuses somebody else's.
void make_private_directory(const std::filesystem::path& directory, const Account& account);

/// Each directory on the way must let the account through.
void check_parents(const std::filesystem::path& directory, const Account& account);

/// The same number for a directory on every start, and hardly ever the same for two. It only names
/// the socket.
[[nodiscard]] int port_for(const std::filesystem::path& directory);

/// DIR/socket, or a short directory elsewhere where that path is too long for a socket.
[[nodiscard]] std::filesystem::path socket_directory_for(
    const std::filesystem::path& directory, int port, const Account& account
);

/// Whole or not at all, mode 0600.
void write_private_file(const std::filesystem::path& file, const std::string& text);

}  // namespace tapline::pg
