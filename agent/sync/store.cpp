#include "agent/sync/store.hpp"

#include "common/error.hpp"

namespace asio = boost::asio;

namespace tapline::sync {

asio::awaitable<void> Store::open() {
    auto job = [this] {
        journal_.reset();  // the lock of the old file must be free before the new one is taken
        journal_ = open_();
        ++generation_;
    };
    auto running = run_on(storage_, job);
    co_await std::move(running);
}

asio::awaitable<void> Store::close() {
    auto job = [this] { journal_.reset(); };
    auto running = run_on(storage_, job);
    co_await std::move(running);
}

journal::Journal& Store::journal() const {
    if (!journal_) {
        throw Error(ErrorKind::storage, "journal_closed", "the journal isn't open", "wait");
    }
    return *journal_;
}

}  // namespace tapline::sync
