// A connection with or without TLS, as one stream; every deadline is the socket's. Tcp is Beast's
// tcp_stream, which only the two Beast units know.
#pragma once

#include <memory>
#include <utility>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace tapline {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

template <typename Tcp>
class TlsStream {
  public:
    using executor_type = typename Tcp::executor_type;
    using Tls = boost::asio::ssl::stream<Tcp&>;

    /// context nullptr: plain. `from`: a socket or an executor.
    template <typename From>
    TlsStream(From from, TlsContext context) : tcp_(std::move(from)), context_(std::move(context)) {
        if (context_) {
            tls_ = std::make_unique<Tls>(tcp_, *context_);
        }
    }

    [[nodiscard]] executor_type get_executor() noexcept { return tcp_.get_executor(); }

    [[nodiscard]] Tcp& tcp() noexcept { return tcp_; }

    /// nullptr: plain.
    [[nodiscard]] Tls* tls() noexcept { return tls_.get(); }

    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        if (tls_) {
            return tls_->async_read_some(buffers, std::forward<Token>(token));
        }
        return tcp_.async_read_some(buffers, std::forward<Token>(token));
    }

    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        if (tls_) {
            return tls_->async_write_some(buffers, std::forward<Token>(token));
        }
        return tcp_.async_write_some(buffers, std::forward<Token>(token));
    }

  private:
    Tcp tcp_;
    TlsContext context_;
    std::unique_ptr<Tls> tls_;
};

}  // namespace tapline
