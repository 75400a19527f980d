// A PostgreSQL for developers' verbs that need one for a moment and have none.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "central/cli/context.hpp"
#include "central/pg/embedded.hpp"

namespace tapline::cli {

/// In a temporary directory; stopped and removed at the end.
class PrivateServer {
  public:
    PrivateServer();
    ~PrivateServer();
    PrivateServer(const PrivateServer&) = delete;
    PrivateServer& operator=(const PrivateServer&) = delete;

    [[nodiscard]] const std::string& url() const noexcept { return server_.url(); }

  private:
    std::filesystem::path directory_;
    pg::EmbeddedServer server_;
};

/// The server of the database that is named, else a private one, which is then in `server`.
[[nodiscard]] pg::ConnectOptions server_or_private(
    const Context& context, std::optional<PrivateServer>& server
);

}  // namespace tapline::cli
