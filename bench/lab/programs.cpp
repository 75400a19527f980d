#include "bench/lab/programs.hpp"

#include <array>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds start_limit{60};

Command central_command(
    const Programs& programs, const std::string& database_url, std::vector<std::string> arguments
) {
    Command command;
    command.arguments = {programs.directory / "tapline-central"};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    command.environment = programs.environment;
    command.environment["DATABASE_URL"] = database_url;
    return command;
}

}  // namespace

int http_status(int port, const std::string& path) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{2, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string request =
        fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
    std::array<char, 64> answer{};
    ssize_t got = 0;
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
        got = recv(fd, answer.data(), answer.size() - 1, 0);
    }
    close(fd);
    int status = 0;
    // "HTTP/1.1 200 …"
    return got > 12 && std::sscanf(answer.data(), "HTTP/%*d.%*d %d", &status) == 1 ? status : 0;
}

void upgrade_database(
    const Programs& programs, const std::string& database_url, const fs::path& log
) {
    Command command = central_command(programs, database_url, {"upgrade"});
    command.log = log;
    Child(command).require_success(start_limit);
}

Central::Central(const Programs& programs, const std::string& database_url, const fs::path& log)
    : port_(free_port()) {
    const std::string listen = fmt::format("127.0.0.1:{}", port_);
    Command command = central_command(programs, database_url, {"serve", "--listen", listen});
    command.log = log;
    child_ = std::make_unique<Child>(command);
    const auto ready = [this] {
        if (!child_->running()) {
            child_->require_success(std::chrono::seconds(0));
        }
        return http_status(port_, "/readyz") == 200;
    };
    wait_until(ready, start_limit, "tapline-central is ready");
}

std::string Central::url() const {
    return fmt::format("http://127.0.0.1:{}", port_);
}

std::unique_ptr<Child> start_agent(
    const Programs& programs, const AgentOptions& options, const fs::path& log
) {
    Command command;
    command.arguments = {
        programs.directory / "tapline-agent",
        "run",
        "--central",
        options.central_url,
        "--name",
        options.name};
    command.arguments.insert(
        command.arguments.end(), {"--first-retry-spread-s", "0", "--retry-base-ms", "50"}
    );
    for (const fs::path& journal : options.journals) {
        command.arguments.insert(command.arguments.end(), {"--journal", journal.string()});
    }
    command.without_inotify = options.without_inotify;
    command.environment = programs.environment;
    command.log = log;
    return std::make_unique<Child>(command);
}

}  // namespace tapline::bench
