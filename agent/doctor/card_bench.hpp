// The figures of the owner's own card: how long a pour waits for it, how many it bears.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tapline::doctor {

inline constexpr std::chrono::seconds usual_bench_time{15};
/// Whatever the card does, no run writes more; it stops sooner when its time is over.
inline constexpr std::int64_t bench_most_bytes = std::int64_t{32} * 1024 * 1024;

struct Spread {
    std::int64_t count = 0;
    std::int64_t p50_us = 0;
    std::int64_t p99_us = 0;
    std::int64_t max_us = 0;
};

struct CardFigures {
    std::filesystem::path directory;
    std::string file_system;  ///< "ext4 on /dev/mmcblk0p2"
    std::string card;         ///< name and date that the card tells; empty: none
    bool memory = false;      ///< a tmpfs: no figures of a card
    Spread sync;              ///< overwrite 4 KiB in place, fdatasync
    std::int64_t sequential_bytes = 0;
    std::int64_t sequential_kib_per_s = 0;
    Spread commit;  ///< one pour: INSERT and COMMIT in WAL with synchronous=FULL
    std::int64_t commits_per_s = 0;
    std::optional<std::int64_t> written_bytes;  ///< of this process, as the kernel counted
    std::chrono::milliseconds took{0};
};

/// Works in `directory`/.tapline-bench, as the directory's owner, and removes it; what a run that
/// was killed left is removed first. No call is begun after `limit`, but a card may take long over
/// the last one. Throws refused/"bench_running", storage_full/"no_room" below 64 MiB,
/// usage/"no_such_directory", storage*.
[[nodiscard]] CardFigures bench_card(
    const std::filesystem::path& directory, std::chrono::seconds limit
);

enum class CardVerdict { good, slow, stalls, memory };

[[nodiscard]] CardVerdict judge(const CardFigures& figures) noexcept;
[[nodiscard]] std::string_view name_of(CardVerdict verdict) noexcept;
/// What it means for a bar, a sentence each.
[[nodiscard]] std::vector<std::string> in_words(const CardFigures& figures);

}  // namespace tapline::doctor
