// Tells quickly, and without a disk write, that another program has committed to a journal.
//
// PRAGMA data_version is the truth and is asked every 250 ms; inotify on the -wal file is only the
// hint that it is worth asking now. The hint comes when pages are written, before the writer's
// fsync and before the commit can be seen, so after a hint the question is repeated at growing
// intervals.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/sync/store.hpp"

namespace tapline::sync {

/// Lives on the storage executor: one timer and one inotify descriptor for all journals, so that an
/// idle agent wakes four times a second whatever it serves.
class Watch {
  public:
    struct Handlers {
        std::function<void()> changed;  ///< another connection committed, or the clock was set
        std::function<void()> swapped;  ///< the path names another file now
    };

    explicit Watch(boost::asio::any_io_executor storage);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    /// Before start(), later on the storage executor. `store` stays until remove(); the handlers
    /// run on `home`.
    void add(
        const Store& store,
        std::filesystem::path file,
        boost::asio::any_io_executor home,
        Handlers handlers
    );
    /// On the storage executor. What was told before is still on its way to `home`.
    void remove(const Store& store);
    void start();
    /// On the storage executor; nothing is called afterwards.
    void stop();

  private:
    struct Entry {
        const Store* store = nullptr;
        std::filesystem::path file;
        boost::asio::any_io_executor home;
        Handlers handlers;
        int descriptor = -1;           ///< inotify's, of the -wal file
        std::uint64_t generation = 0;  ///< of the open file; 0: none
        std::int64_t data_version = 0;
        bool swap_told = false;
    };

    void tick();
    void arm_tick();
    void arm_hint();
    void read_hints();
    void ask_again(std::size_t step);
    /// True when there was news.
    bool ask(Entry& entry);
    void ask_swapped(Entry& entry);
    void watch_wal(Entry& entry);
    void forget_wal(Entry& entry);
    void tell(const Entry& entry, const std::function<void()>& handler) const;

    boost::asio::steady_timer tick_;
    boost::asio::steady_timer again_;
    boost::asio::posix::stream_descriptor inotify_;
    std::vector<std::unique_ptr<Entry>> entries_;
    alignas(8) std::array<char, 4096> events_{};
    bool hint_armed_ = false;
    int ticks_ = 0;
    std::chrono::milliseconds clock_offset_{};
    bool stopped_ = false;
};

}  // namespace tapline::sync
