#include "bench/lab/machine.hpp"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include "bench/lab/process.hpp"
#include "bench/lab/statistics.hpp"
#include "central/pg/process.hpp"
#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int synced_writes = 300;
constexpr std::size_t page_bytes = 8'192;

/// Overwrites of one page with O_DSYNC in place, and appends followed by fsync: what a WAL costs
/// when its file is recycled, and when it grows.
std::vector<double> write_times_ms(const fs::path& file, bool append) {
    const int flags = O_CREAT | O_RDWR | O_CLOEXEC | (append ? O_TRUNC : O_DSYNC);
    const int fd = open(file.c_str(), flags, 0600);
    if (fd < 0) {
        throw Error(ErrorKind::storage, "open_failed", "can't open " + file.string());
    }
    const std::vector<char> page(page_bytes, 'x');
    std::vector<double> times;
    for (int count = 0; count < synced_writes; ++count) {
        const off_t at = append ? static_cast<off_t>(page_bytes) * count : 0;
        const Clock::time_point start = Clock::now();
        const bool written = pwrite(fd, page.data(), page.size(), at) > 0;
        if (!written || (append && fsync(fd) != 0)) {
            close(fd);
            throw Error(ErrorKind::storage, "write_failed", "can't write " + file.string());
        }
        times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    }
    close(fd);
    return times;
}

std::string file_system(const fs::path& directory) {
    struct statfs facts {};

    if (statfs(directory.c_str(), &facts) != 0) {
        return "unknown";
    }
    // linux/magic.h
    switch (static_cast<unsigned long>(facts.f_type)) {
        case 0xEF53:
            return "ext4";
        case 0x01021994:
            return "tmpfs";
        case 0x9123683E:
            return "btrfs";
        case 0x58465342:
            return "xfs";
        case 0x794C7630:
            return "overlay";
        default:
            return fmt::format("0x{:x}", static_cast<unsigned long>(facts.f_type));
    }
}

std::string postgres_version() {
    Command command;
    command.arguments = {pg::postgres_programs("15") / "postgres", "--version"};
    std::string text = output_of(command, std::chrono::seconds(10));
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    return text;
}

/// A program that is linked with a sanitizer names its library in the dynamic section.
bool is_sanitized(const fs::path& program) {
    constexpr std::size_t most = 4U * 1024 * 1024;
    std::ifstream in(program, std::ios::binary);
    std::string start(most, '\0');
    in.read(start.data(), static_cast<std::streamsize>(most));
    start.resize(static_cast<std::size_t>(in.gcount()));
    return start.find("libasan.so") != std::string::npos ||
           start.find("libtsan.so") != std::string::npos;
}

std::string build_kind(const fs::path& programs) {
    for (const char* name : {"tapline-agent", "tapline-central", "tapline-tap-sim"}) {
        if (is_sanitized(programs / name)) {
            return fmt::format("{} has a sanitizer in it: figures mean nothing", name);
        }
    }
#if defined(__OPTIMIZE__)
    return "optimized";
#else
    return "not optimized: figures mean nothing";
#endif
}

}  // namespace

nlohmann::ordered_json machine_facts(const fs::path& work_directory, const fs::path& programs) {
    nlohmann::ordered_json facts;
    facts["cores"] = std::thread::hardware_concurrency();
    facts["memory_mib"] =
        static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE) / (1024 * 1024);
    utsname kernel{};
    uname(&kernel);
    facts["kernel"] = fmt::format("{} {}", kernel.sysname, kernel.release);
    facts["architecture"] = kernel.machine;
    double load = 0;
    if (getloadavg(&load, 1) == 1) {
        facts["load_before"] = rounded(load, 2);
    }
    facts["sqlite"] = sqlite3_libversion();
    facts["postgresql"] = postgres_version();
    facts["build"] = build_kind(programs);
    facts["file_system"] = file_system(work_directory);
    const fs::path file = work_directory / "fsync.probe";
    facts["append_fsync_8k_ms"] = summary(write_times_ms(file, true));
    facts["overwrite_dsync_8k_ms"] = summary(write_times_ms(file, false));
    fs::remove(file);
    return facts;
}

}  // namespace tapline::bench
