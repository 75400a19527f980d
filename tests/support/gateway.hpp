// The gateway on a real port over a backend of the test's.
#pragma once

#include <future>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "central/gateway/routes.hpp"
#include "central/gateway/server.hpp"
#include "tests/support/fake_backend.hpp"

namespace tapline::test {

/// The gateway on a real port, in a thread of its own.
struct Gateway {
    explicit Gateway(gateway::ServerOptions options = {})
        : server(io.get_executor(), std::move(options), [this](http::Request request) {
              return routes.handle(std::move(request));
          }) {
        boost::asio::co_spawn(io, server.run(), [this](std::exception_ptr failure) {
            drained.set_value(failure == nullptr);
        });
        thread = std::thread([this] { io.run(); });
    }

    ~Gateway() {
        stop();
        thread.join();
    }

    void stop() {
        boost::asio::post(io, [this] {
            if (!stopped) {
                server.stop();
            }
            stopped = true;
        });
    }

    /// Asked of the I/O thread.
    template <typename Question>
    [[nodiscard]] auto ask(Question question) {
        std::promise<decltype(question(server))> said;
        boost::asio::post(io, [&] { said.set_value(question(server)); });
        return said.get_future().get();
    }

    [[nodiscard]] gateway::Tally tally() {
        return ask([](const gateway::Server& asked) { return asked.tally(); });
    }

    [[nodiscard]] gateway::Load load() {
        return ask([](const gateway::Server& asked) { return asked.load(); });
    }

    [[nodiscard]] std::size_t connections() {
        std::promise<std::size_t> count;
        boost::asio::post(io, [&] { count.set_value(server.connections()); });
        return count.get_future().get();
    }

    boost::asio::io_context io;
    boost::asio::thread_pool parsers{1};
    FakeBackend backend;
    gateway::Routes routes{backend, parsers.get_executor()};
    gateway::Server server;
    std::promise<bool> drained;
    bool stopped = false;
    std::thread thread;
};

}  // namespace tapline::test
