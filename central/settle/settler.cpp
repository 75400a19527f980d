#include "central/settle/settler.hpp"

#include <atomic>
#include <mutex>
#include <utility>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "central/settle/lanes.hpp"
#include "central/settle/problems.hpp"
#include "common/clock.hpp"

namespace tapline::settle {

namespace asio = boost::asio;

namespace {

using Handler = asio::any_completion_handler<void(Outcome)>;

/// Carries an outcome from whatever thread has it to the executor that waits for it.
class Reply {
  public:
    Reply(asio::any_io_executor home, Handler handler, std::atomic<std::size_t>& waiting)
        : executor_(std::move(home)),
          work_(asio::make_work_guard(executor_)),
          handler_(std::move(handler)),
          waiting_(waiting) {}

    void operator()(Outcome outcome) {
        waiting_.fetch_sub(1);
        auto deliver = [handler = std::move(handler_), outcome = std::move(outcome)]() mutable {
            std::move(handler)(std::move(outcome));
        };
        asio::post(executor_, std::move(deliver));
        work_.reset();
    }

  private:
    asio::any_io_executor executor_;
    asio::executor_work_guard<asio::any_io_executor> work_;
    Handler handler_;
    std::atomic<std::size_t>& waiting_;
};

}  // namespace

class Settler::Impl {
  public:
    explicit Impl(SettleOptions options)
        : options_(std::move(options)),
          slow_work_(options_),
          slow_("slow", options_.database_url, slow_work_),
          fast_work_(options_, penalties_, slow_),
          fast_("fast", options_.database_url, fast_work_) {}

    void submit(std::string controller, wire::Batch batch, std::shared_ptr<Reply> reply) {
        if (waiting_.fetch_add(1) >= options_.max_queue) {
            (*reply)(problems::try_later("overloaded", "too many batches wait to be settled"));
            return;
        }
        // Held while posting: what comes into a joined pool would never be answered.
        const std::lock_guard lock(mutex_);
        if (stopped_) {
            (*reply)(problems::try_later("stopping", "central is shutting down"));
            return;
        }
        auto prepare_and_queue =
            [this, reply, controller = std::move(controller), batch = std::move(batch)]() mutable {
                queue(std::move(controller), std::move(batch), std::move(reply));
            };
        asio::post(pool_, std::move(prepare_and_queue));
    }

    [[nodiscard]] bool ready() const noexcept { return fast_.connected() && slow_.connected(); }

    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.load(); }

    [[nodiscard]] std::shared_ptr<Reply> reply_to(asio::any_io_executor home, Handler handler) {
        return std::make_shared<Reply>(std::move(home), std::move(handler), waiting_);
    }

    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
        }
        pool_.join();
        fast_.stop();
        slow_.stop();
    }

  private:
    void queue(std::string controller, wire::Batch batch, std::shared_ptr<Reply> reply) {
        const auto received = std::chrono::duration_cast<std::chrono::microseconds>(
            clock_.now_utc().time_since_epoch()
        );
        auto prepared = prepare(std::move(controller), std::move(batch), received.count());
        if (auto* problem = std::get_if<wire::Problem>(&prepared)) {
            (*reply)(std::move(*problem));
            return;
        }
        auto job = std::make_unique<Job>();
        job->batch = std::move(std::get<Prepared>(prepared));
        job->done = [reply = std::move(reply)](Outcome outcome) { (*reply)(std::move(outcome)); };
        const bool penalised = penalties_.has(job->batch.batch.journal_id);
        (penalised ? slow_ : fast_).push(std::move(job));
    }

    SettleOptions options_;
    SystemClock clock_;
    Penalties penalties_;
    std::atomic<std::size_t> waiting_{0};
    std::mutex mutex_;
    bool stopped_ = false;
    SlowWork slow_work_;
    Lane slow_;
    FastWork fast_work_;
    Lane fast_;  // destroyed before slow_, to which it passes jobs on until its thread has ended
    asio::thread_pool pool_{1};
};

Settler::Settler(SettleOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Settler::~Settler() {
    stop();
}

boost::asio::awaitable<Outcome> Settler::settle(std::string controller, wire::Batch batch) {
    auto home = co_await asio::this_coro::executor;
    auto initiate = [this, home](auto handler, std::string who, wire::Batch what) {
        auto reply = impl_->reply_to(home, Handler(std::move(handler)));
        impl_->submit(std::move(who), std::move(what), std::move(reply));
    };
    Outcome outcome = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Outcome)>(
        std::move(initiate), asio::use_awaitable, std::move(controller), std::move(batch)
    );
    co_return outcome;
}

bool Settler::ready() const noexcept {
    return impl_->ready();
}

std::size_t Settler::waiting() const noexcept {
    return impl_->waiting();
}

void Settler::stop() {
    impl_->stop();
}

}  // namespace tapline::settle
