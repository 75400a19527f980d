#include "agent/sync/watch.hpp"

#include <cerrno>
#include <system_error>

#include <sys/inotify.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "common/error.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace tapline::sync {

namespace {

constexpr std::chrono::milliseconds tick_period = 250ms;
/// After a hint: an fsync takes from a fraction of a millisecond to what the tick covers anyway.
constexpr std::array<std::chrono::milliseconds, 8> again_after{
    1ms, 1ms, 2ms, 4ms, 8ms, 16ms, 32ms, 64ms};
/// A path is looked up every so many ticks.
constexpr int ticks_per_swap_check = 4;
constexpr std::chrono::milliseconds clock_step_that_counts = 1s;

int open_inotify() {
    const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor < 0) {
        const std::error_code why(errno, std::generic_category());
        spdlog::warn("no inotify ({}); commits are noticed within 250 ms", why.message());
    }
    return descriptor;
}

std::chrono::milliseconds clock_offset() {
    const auto utc = std::chrono::system_clock::now().time_since_epoch();
    const auto mono = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(utc - mono);
}

}  // namespace

Watch::Watch(asio::any_io_executor storage)
    : tick_(storage), again_(storage), inotify_(storage), clock_offset_(clock_offset()) {
    const int descriptor = open_inotify();
    if (descriptor >= 0) {
        inotify_.assign(descriptor);
    }
}

Watch::~Watch() = default;

void Watch::add(
    const Store& store, std::filesystem::path file, asio::any_io_executor home, Handlers handlers
) {
    auto entry = std::make_unique<Entry>();
    entry->store = &store;
    entry->file = std::move(file);
    entry->home = std::move(home);
    entry->handlers = std::move(handlers);
    entries_.push_back(std::move(entry));
}

void Watch::remove(const Store& store) {
    std::erase_if(entries_, [&](const auto& entry) {
        if (entry->store == &store) {
            forget_wal(*entry);
        }
        return entry->store == &store;
    });
}

void Watch::start() {
    asio::post(tick_.get_executor(), [this] {
        tick_.expires_after(0ms);
        arm_tick();
        arm_hint();
    });
}

void Watch::stop() {
    stopped_ = true;
    tick_.cancel();
    again_.cancel();
    boost::system::error_code ignored;  // it may never have been open
    inotify_.cancel(ignored);
}

void Watch::arm_tick() {
    tick_.async_wait([this](const boost::system::error_code& cancelled) {
        if (cancelled || stopped_) {
            return;
        }
        tick();
        tick_.expires_after(tick_period);
        arm_tick();
    });
}

void Watch::tick() {
    ++ticks_;
    const auto offset = clock_offset();
    const bool stepped = std::chrono::abs(offset - clock_offset_) > clock_step_that_counts;
    clock_offset_ = stepped ? offset : clock_offset_;
    for (auto& entry : entries_) {
        watch_wal(*entry);
        if (!ask(*entry) && stepped) {
            tell(*entry, entry->handlers.changed);
        }
        if (ticks_ % ticks_per_swap_check == 0) {
            ask_swapped(*entry);
        }
    }
}

void Watch::arm_hint() {
    if (!inotify_.is_open() || hint_armed_) {
        return;
    }
    hint_armed_ = true;
    inotify_.async_wait(
        asio::posix::descriptor_base::wait_read,
        [this](const boost::system::error_code& failure) {
            hint_armed_ = false;
            if (failure || stopped_) {
                return;
            }
            read_hints();
            ask_again(0);
        }
    );
}

void Watch::read_hints() {
    boost::system::error_code nothing_left;
    inotify_.non_blocking(true, nothing_left);
    std::size_t bytes = inotify_.read_some(asio::buffer(events_), nothing_left);
    std::size_t at = 0;
    while (!nothing_left && at + sizeof(inotify_event) <= bytes) {
        const auto* event = reinterpret_cast<const inotify_event*>(events_.data() + at);
        const bool gone = (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0;
        for (auto& entry : entries_) {
            if (gone && entry->descriptor == event->wd) {
                entry->descriptor = -1;  // the next tick looks for the new file
            }
        }
        at += sizeof(inotify_event) + event->len;
    }
}

/// Hints are listened to again from the first repetition on: a busy writer gives one per page.
void Watch::ask_again(std::size_t step) {
    for (auto& entry : entries_) {
        ask(*entry);
    }
    if (step > 0) {
        arm_hint();
    }
    if (step >= again_after.size()) {
        return;
    }
    again_.expires_after(again_after.at(step));
    again_.async_wait([this, step](const boost::system::error_code& cancelled) {
        if (!cancelled && !stopped_) {
            ask_again(step + 1);
        }
    });
}

bool Watch::ask(Entry& entry) {
    journal::Journal* journal = entry.store->peek();
    if (journal == nullptr) {
        entry.generation = 0;
        return false;
    }
    std::int64_t version = 0;
    try {
        version = journal->data_version();
    } catch (const Error&) {
        // The syncer's own calls meet the same trouble and report it; it is told to look.
        tell(entry, entry.handlers.changed);
        entry.generation = 0;
        return false;
    }
    const bool first = entry.generation != entry.store->generation();
    const bool news = !first && version != entry.data_version;
    entry.generation = entry.store->generation();
    entry.data_version = version;
    if (first) {
        entry.swap_told = false;
        forget_wal(entry);
        watch_wal(entry);
    }
    if (news || first) {
        tell(entry, entry.handlers.changed);
    }
    return news;
}

void Watch::ask_swapped(Entry& entry) {
    journal::Journal* journal = entry.store->peek();
    if (journal != nullptr && !entry.swap_told && journal->swapped()) {
        entry.swap_told = true;
        tell(entry, entry.handlers.swapped);
    }
}

void Watch::watch_wal(Entry& entry) {
    if (entry.descriptor >= 0 || !inotify_.is_open() || entry.store->peek() == nullptr) {
        return;
    }
    std::error_code missing;
    const auto real = std::filesystem::canonical(entry.file, missing);
    if (!missing) {
        const std::string wal = real.string() + "-wal";
        entry.descriptor = ::inotify_add_watch(
            inotify_.native_handle(), wal.c_str(), IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF
        );
    }
}

void Watch::forget_wal(Entry& entry) {
    if (entry.descriptor >= 0) {
        ::inotify_rm_watch(inotify_.native_handle(), entry.descriptor);
    }
    entry.descriptor = -1;
}

void Watch::tell(const Entry& entry, const std::function<void()>& handler) const {
    asio::post(entry.home, handler);
}

}  // namespace tapline::sync
