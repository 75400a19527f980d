// So many may be inside at one time; the others wait in the order in which they came. For one
// thread (or strand). How long the queue gets is for those to bound who enter.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace tapline::gateway {

class Turnstile {
  public:
    Turnstile(boost::asio::any_io_executor executor, std::size_t places)
        : executor_(std::move(executor)), places_(places) {}

    /// True: inside, leave() is owed. False: `until` came first, or close().
    [[nodiscard]] boost::asio::awaitable<bool> enter(std::chrono::steady_clock::time_point until);
    void leave();
    /// Who waits is sent away, and whoever comes from now on.
    void close();

    [[nodiscard]] std::size_t inside() const noexcept { return inside_; }

    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

  private:
    struct Waiter {
        boost::asio::steady_timer timer;
        bool entered = false;
    };

    /// A place in the queue that goes with the coroutine's frame.
    class Queued;

    boost::asio::any_io_executor executor_;
    std::size_t places_;
    std::size_t inside_ = 0;
    bool closed_ = false;
    std::list<Waiter*> waiting_;
};

/// leave() at the end of a scope.
class Inside {
  public:
    explicit Inside(Turnstile& turnstile) : turnstile_(turnstile) {}

    ~Inside() { turnstile_.leave(); }

    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

  private:
    Turnstile& turnstile_;
};

}  // namespace tapline::gateway
