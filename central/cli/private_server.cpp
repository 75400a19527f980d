#include "central/cli/private_server.hpp"

#include <unistd.h>

#include <fmt/format.h>

namespace tapline::cli {

namespace fs = std::filesystem;

PrivateServer::PrivateServer()
    : directory_(fs::temp_directory_path() / fmt::format("tapline-private-{}", ::getpid())),
      server_(directory_) {}

PrivateServer::~PrivateServer() {
    server_.stop();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

pg::ConnectOptions server_or_private(const Context& context, std::optional<PrivateServer>& server) {
    pg::ConnectOptions connect;
    connect.application_name = program_name;
    if (const auto database = context.find_database(context.settings())) {
        connect.url = database->url;
    } else {
        connect.url = server.emplace().url();
    }
    return connect;
}

}  // namespace tapline::cli
