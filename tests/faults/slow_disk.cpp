#include "tests/faults/slow_disk.hpp"

#include <algorithm>
#include <string_view>
#include <thread>

namespace tapline::test {

bool SlowDisk::counts(const char* path) const {
    const std::string_view name(path);
    return name.starts_with(file_) && !name.ends_with("-shm") && !name.ends_with(".lock");
}

Disk::Verdict SlowDisk::judge(Operation operation, bool /*grows*/) {
    if (operation == Operation::write && locked_) {
        seen_.most_writes_in_lock = std::max(seen_.most_writes_in_lock, ++writes_in_lock_);
    }
    return Verdict::works;
}

void SlowDisk::synced(const std::string& /*path*/) {
    ++seen_.syncs;
    seen_.syncs_under_lock += locked_ ? 1 : 0;
    std::this_thread::sleep_for(sync_takes_);
}

void SlowDisk::write_lock(bool held) {
    const auto now = std::chrono::steady_clock::now();
    if (locked_ && !held) {
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now - locked_at_);
        seen_.longest_lock = std::max(seen_.longest_lock, took);
    }
    locked_at_ = now;
    locked_ = held;
    writes_in_lock_ = 0;
    seen_.locks += held ? 1 : 0;
}

}  // namespace tapline::test
