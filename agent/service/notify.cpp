#include "agent/service/notify.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <fmt/format.h>

namespace tapline::service {

Notifier::Notifier(const Environment& environment)
    : socket_(environment("NOTIFY_SOCKET").value_or("")) {
    const auto text = environment("WATCHDOG_USEC").value_or("");
    std::int64_t microseconds = 0;
    const auto [end, failure] =
        std::from_chars(text.data(), text.data() + text.size(), microseconds);
    if (failure == std::errc{} && end == text.data() + text.size() && microseconds >= 2'000) {
        watchdog_period_ = std::chrono::milliseconds(microseconds / 2'000);
    }
}

void Notifier::reloading() const {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    send(fmt::format(
        "RELOADING=1\nMONOTONIC_USEC={}",
        static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1'000
    ));
}

void Notifier::send(const std::string& message) const {
    sockaddr_un address{};
    if (socket_.empty() || socket_.size() >= sizeof address.sun_path) {
        return;
    }
    const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return;
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (address.sun_path[0] == '@') {
        address.sun_path[0] = '\0';  // Linux's abstract namespace
    }
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    static_cast<void>(::sendto(
        descriptor,
        message.data(),
        message.size(),
        MSG_NOSIGNAL | MSG_DONTWAIT,
        reinterpret_cast<const sockaddr*>(&address),
        length
    ));
    ::close(descriptor);
}

}  // namespace tapline::service
