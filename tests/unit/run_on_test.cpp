#include "common/run_on.hpp"

#include <stdexcept>
#include <string>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <catch2/catch.hpp>

using namespace tapline;  // NOLINT(google-build-using-namespace): test file
namespace asio = boost::asio;

namespace {

struct Seen {
    std::string text;
    std::string error;
    bool elsewhere = false;
    bool home = false;
};

asio::awaitable<void> visit(asio::any_io_executor pool, Seen& seen) {
    const auto home = std::this_thread::get_id();
    auto job = [name = std::string("a text that is too long for the small buffer"), &seen, home] {
        seen.elsewhere = std::this_thread::get_id() != home;
        return name;
    };
    seen.text = co_await run_on(pool, std::move(job));
    seen.home = std::this_thread::get_id() == home;
    auto failing = [] { throw std::runtime_error("no space left"); };
    try {
        co_await run_on(pool, failing);
    } catch (const std::runtime_error& error) {
        seen.error = error.what();
    }
}

}  // namespace

TEST_CASE("A job runs on the pool; its result and its exception come home") {
    asio::thread_pool pool(1);
    asio::io_context io;
    Seen seen;
    auto work = visit(pool.get_executor(), seen);
    asio::co_spawn(io, std::move(work), [](std::exception_ptr failure) { REQUIRE_FALSE(failure); });
    io.run();
    CHECK(seen.text == "a text that is too long for the small buffer");
    CHECK(seen.elsewhere);
    CHECK(seen.home);
    CHECK(seen.error == "no space left");
}
