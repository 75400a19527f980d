// A blocking socket that says exactly what the test wants, right or wrong.
#pragma once

#include <cstdint>
#include <string>

#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

namespace tapline::test {

class RawClient {
  public:
    explicit RawClient(std::uint16_t port) : socket_(io_) {
        socket_.connect({boost::asio::ip::address_v4::loopback(), port});
        timeval patience{};
        patience.tv_sec = 15;
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }

    /// False when the other side no longer takes it.
    bool say(const std::string& bytes) {
        boost::system::error_code failure;
        boost::asio::write(socket_, boost::asio::buffer(bytes), failure);
        return !failure;
    }

    void half_close() { socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send); }

    /// What comes until the other side closes, or `enough` bytes of it.
    std::string hear(std::size_t enough = SIZE_MAX) {
        std::string heard;
        std::array<char, 4096> chunk{};
        while (heard.size() < enough) {
            const auto bytes = ::recv(socket_.native_handle(), chunk.data(), chunk.size(), 0);
            reset_ = bytes < 0;
            if (bytes <= 0) {
                break;
            }
            heard.append(chunk.data(), static_cast<std::size_t>(bytes));
        }
        return heard;
    }

    /// One answer with a Content-Length.
    std::string hear_answer() {
        std::string heard;
        while (heard.find("\r\n\r\n") == std::string::npos) {
            const std::string more = hear(1);
            if (more.empty()) {
                return heard;
            }
            heard += more;
        }
        const auto at = heard.find("Content-Length: ");
        const auto body = heard.find("\r\n\r\n") + 4;
        const std::size_t length = at == std::string::npos ? 0 : std::stoul(heard.substr(at + 16));
        while (heard.size() < body + length) {
            const std::string more = hear(1);
            if (more.empty()) {
                return heard;
            }
            heard += more;
        }
        return heard;
    }

    /// True when hear ended with an error or a time-out and not with an orderly end.
    [[nodiscard]] bool was_reset() const noexcept { return reset_; }

    [[nodiscard]] boost::asio::ip::tcp::socket& socket() noexcept { return socket_; }

  private:
    boost::asio::io_context io_;
    boost::asio::ip::tcp::socket socket_;
    bool reset_ = false;
};

}  // namespace tapline::test
