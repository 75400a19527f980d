#include "agent/sync/signal.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace asio = boost::asio;

namespace tapline::sync {

void Signal::notify() {
    notified_ = true;
    interrupt_.emit(asio::cancellation_type::terminal);
}

asio::awaitable<bool> Signal::wait(std::chrono::milliseconds limit) {
    if (!notified_) {
        auto executor = co_await asio::this_coro::executor;
        auto token = asio::bind_cancellation_slot(interrupt_.slot(), asio::use_awaitable);
        try {
            auto sleeping = clock_.sleep(limit);
            co_await asio::co_spawn(executor, std::move(sleeping), token);
        } catch (const boost::system::system_error& failure) {
            // A notification between the spawn and the sleep cancels before there is a timer.
            if (failure.code() != asio::error::operation_aborted) {
                throw;
            }
        }
    }
    const bool notified = notified_;
    notified_ = false;
    co_return notified;
}

}  // namespace tapline::sync
