// One journal on the storage thread: nobody else touches the file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "agent/journal/journal.hpp"
#include "common/run_on.hpp"

namespace tapline::sync {

class Store {
  public:
    using Open = std::function<std::unique_ptr<journal::Journal>()>;

    /// `storage` runs one job at a time and must outlive this.
    Store(boost::asio::any_io_executor storage, Open open)
        : storage_(std::move(storage)), open_(std::move(open)) {}

    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    /// Closes what is open and opens the file. Throws what Journal::open throws.
    [[nodiscard]] boost::asio::awaitable<void> open();
    [[nodiscard]] boost::asio::awaitable<void> close();

    /// work(journal) on the storage thread. Throws Error{storage, "journal_closed"} when none is
    /// open.
    template <typename Work>
    [[nodiscard]] boost::asio::awaitable<std::invoke_result_t<Work&, journal::Journal&>> with(
        Work work
    ) {
        auto job = [this, work = std::move(work)]() mutable { return work(journal()); };
        auto running = run_on(storage_, std::move(job));
        co_return co_await std::move(running);
    }

    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return storage_; }

    /// Only on the storage thread; nullptr while nothing is open.
    [[nodiscard]] journal::Journal* peek() const noexcept { return journal_.get(); }

    /// Differs for every opened file, from 1; only on the storage thread.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

  private:
    [[nodiscard]] journal::Journal& journal() const;

    boost::asio::any_io_executor storage_;
    Open open_;
    std::unique_ptr<journal::Journal> journal_;
    std::uint64_t generation_ = 0;
};

}  // namespace tapline::sync
