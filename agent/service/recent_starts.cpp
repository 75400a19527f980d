#include "agent/service/recent_starts.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <random>
#include <vector>

#include <fcntl.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <fmt/format.h>
#include <linux/magic.h>
#include <spdlog/spdlog.h>

#include "agent/service/status_file.hpp"

namespace tapline::service {

namespace {

constexpr int most_doublings = 20;

std::int64_t seconds_since_boot() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec;
}

bool in_memory(int descriptor) {
    struct statfs system {};

    return ::fstatfs(descriptor, &system) == 0 &&
           (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC);
}

/// Opened before root becomes the journal's owner, who couldn't make it.
int open_memory(
    const std::string& status_file, const std::string& name, const Environment& environment
) {
    std::vector<std::filesystem::path> places;
    if (!status_file.empty()) {
        places.push_back(std::filesystem::absolute(status_file).parent_path());
    } else {
        for (const auto& directory : runtime_directories(environment)) {
            if (usable_runtime_directory(directory)) {
                places.push_back(directory);
            }
        }
    }
    for (const auto& place : places) {
        const auto file = place / fmt::format("starts-{}", name);
        const int descriptor =
            ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (descriptor >= 0 && in_memory(descriptor)) {
            return descriptor;
        }
        if (descriptor >= 0) {
            ::unlink(file.c_str());
            ::close(descriptor);
        }
    }
    return -1;
}

}  // namespace

RecentStarts::RecentStarts(
    const std::string& status_file, const std::string& name, const Environment& environment
)
    : descriptor_(open_memory(status_file, name, environment)) {
    if (descriptor_ < 0) {
        return;
    }
    std::array<char, 64> text{};
    long starts = 0;
    long long last = 0;
    const auto bytes = ::pread(descriptor_, text.data(), text.size() - 1, 0);
    const auto now = seconds_since_boot();
    const bool known = bytes > 0 && std::sscanf(text.data(), "%ld %lld", &starts, &last) == 2 &&
                       starts > 0 && now - last < forgotten_after.count();
    in_a_row_ = known ? static_cast<int>(std::min(starts, 1'000L)) + 1 : 1;
    write(fmt::format("{} {}\n", in_a_row_, now));
}

RecentStarts::~RecentStarts() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

void RecentStarts::settled() const {
    if (descriptor_ >= 0) {
        write("");
    }
}

void RecentStarts::write(const std::string& text) const {
    const bool empty = ::ftruncate(descriptor_, 0) == 0;
    if (!empty || ::pwrite(descriptor_, text.data(), text.size(), 0) < 0) {
        spdlog::debug("the memory of recent starts can't be written");
    }
}

std::chrono::milliseconds storm_pause(
    int in_a_row, const BackoffLimits& limits, std::uint64_t seed
) {
    if (in_a_row <= free_starts) {
        return {};
    }
    const int doublings = std::min(in_a_row - free_starts, most_doublings);
    const auto half = std::min(limits.cap, limits.base * (std::int64_t{1} << doublings)) / 2;
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<std::int64_t> jitter(0, half.count());
    return half + std::chrono::milliseconds(jitter(random));
}

}  // namespace tapline::service
