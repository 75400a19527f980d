#include "central/gateway/turnstile.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace asio = boost::asio;

namespace tapline::gateway {

class Turnstile::Queued {
  public:
    Queued(std::list<Waiter*>& queue, Waiter& waiter) : queue_(queue), waiter_(waiter) {
        queue_.push_back(&waiter_);
    }

    ~Queued() { queue_.remove(&waiter_); }

    Queued(const Queued&) = delete;
    Queued& operator=(const Queued&) = delete;

  private:
    std::list<Waiter*>& queue_;
    Waiter& waiter_;
};

asio::awaitable<bool> Turnstile::enter(std::chrono::steady_clock::time_point until) {
    if (closed_) {
        co_return false;
    }
    if (inside_ < places_) {
        ++inside_;
        co_return true;
    }
    Waiter waiter{asio::steady_timer(executor_, until)};
    const Queued queued(waiting_, waiter);
    boost::system::error_code woken;  // by leave(), close() or the time: `entered` tells
    auto token = asio::redirect_error(asio::use_awaitable, woken);
    co_await waiter.timer.async_wait(token);
    co_return waiter.entered;
}

void Turnstile::leave() {
    if (waiting_.empty()) {
        --inside_;
        return;
    }
    Waiter* next = waiting_.front();
    waiting_.pop_front();
    next->entered = true;
    next->timer.cancel();
}

void Turnstile::close() {
    closed_ = true;
    for (Waiter* waiter : waiting_) {
        waiter->timer.cancel();
    }
}

}  // namespace tapline::gateway
