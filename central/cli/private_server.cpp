#include "central/cli/private_server.hpp"

#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/log.hpp"

namespace tapline::cli {

namespace fs = std::filesystem;

namespace {

/// What the server's keeper logs while it starts is no part of the verb's answer on stdout.
fs::path quiet_directory() {
    if (spdlog::get(program_name) == nullptr) {
        start_logging(program_name, "warn");
    }
    return fs::temp_directory_path() / fmt::format("tapline-private-{}", ::getpid());
}

}  // namespace

PrivateServer::PrivateServer() : directory_(quiet_directory()), server_(directory_) {}

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
