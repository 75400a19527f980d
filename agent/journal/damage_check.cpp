#include "agent/journal/damage_check.hpp"

#include <string_view>
#include <thread>

#include "agent/journal/database.hpp"
#include "common/error.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_quick_check = "PRAGMA quick_check(1)";
/// In KiB: it reads every page once, and the agent's memory is bounded.
constexpr std::string_view sql_small_cache = "PRAGMA cache_size=-256";
/// An interrupt is lost on a statement that is about to begin, so it is repeated.
constexpr std::chrono::milliseconds between_interrupts{20};

}  // namespace

/// Interrupts the connection from the end of the time, or the stop, on until it is destroyed.
class DamageCheck::Watcher {
  public:
    Watcher(DamageCheck& check, Database& database, std::chrono::milliseconds limit)
        : check_(check), thread_([this, &database, limit] { watch(database, limit); }) {}

    ~Watcher() {
        {
            const std::lock_guard lock(check_.mutex_);
            done_ = true;
        }
        check_.changed_.notify_all();
        thread_.join();
    }

    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    [[nodiscard]] bool cut() {
        const std::lock_guard lock(check_.mutex_);
        return cut_ || check_.stopped_;
    }

  private:
    void watch(Database& database, std::chrono::milliseconds limit) {
        std::unique_lock lock(check_.mutex_);
        check_.changed_.wait_for(lock, limit, [this] { return done_ || check_.stopped_; });
        while (!done_) {
            cut_ = true;
            database.interrupt();
            check_.changed_.wait_for(lock, between_interrupts, [this] { return done_; });
        }
    }

    DamageCheck& check_;
    bool done_ = false;
    bool cut_ = false;
    std::thread thread_;
};

std::string DamageCheck::run(const std::filesystem::path& file, std::chrono::milliseconds limit) {
    try {
        Database database(file);
        database.exec(sql_small_cache);
        Watcher watcher(*this, database, limit);
        auto found = database.text(sql_quick_check);
        // What was cut may call the pages that it didn't come to unused.
        return found == "ok" || watcher.cut() ? std::string() : found;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::storage_busy) {
            return {};
        }
        if (error.kind() != ErrorKind::storage_corrupt) {
            throw;
        }
        return error.what();
    }
}

void DamageCheck::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    changed_.notify_all();
}

}  // namespace tapline::journal
