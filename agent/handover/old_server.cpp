#include "agent/handover/old_server.hpp"

#include <cerrno>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tapline::handover {

namespace {

constexpr int max_addresses = 8;

class Socket {
  public:
    explicit Socket(int family)
        : value_(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}

    ~Socket() {
        if (value_ >= 0) {
            ::close(value_);
        }
    }

    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    [[nodiscard]] int get() const noexcept { return value_; }

  private:
    int value_;
};

bool connects(const addrinfo& address, std::chrono::milliseconds limit) {
    const Socket socket(address.ai_family);
    if (socket.get() < 0) {
        return false;
    }
    if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) {
        return true;
    }
    if (errno != EINPROGRESS) {
        return false;
    }
    pollfd ready{socket.get(), POLLOUT, 0};
    if (::poll(&ready, 1, static_cast<int>(limit.count())) != 1) {
        return false;
    }
    int failure = 0;
    socklen_t size = sizeof failure;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0;
}

}  // namespace

bool takes_connections(const doctor::ServerAddress& server, std::chrono::milliseconds limit) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(server.host.c_str(), server.port.c_str(), &wanted, &found) != 0) {
        return false;
    }
    bool connected = false;
    int asked = 0;
    for (const auto* one = found; one != nullptr && !connected; one = one->ai_next) {
        connected = asked++ < max_addresses && connects(*one, limit);
    }
    ::freeaddrinfo(found);
    return connected;
}

}  // namespace tapline::handover
