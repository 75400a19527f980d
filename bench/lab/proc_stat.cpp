#include "bench/lab/proc_stat.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;

struct Times {
    pid_t parent = 0;
    std::int64_t own_ticks = 0;
    std::int64_t waited_ticks = 0;
};

std::string read_text(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// False when the process is gone. Field numbers are proc(5)'s, counted from the state (3).
bool read_times(pid_t pid, Times& times) {
    const std::string text = read_text(fmt::format("/proc/{}/stat", pid));
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) {
        return false;
    }
    std::istringstream rest(text.substr(name_end + 1));
    std::string skipped;
    rest >> skipped >> times.parent;
    for (int field = 5; field < 14; ++field) {
        rest >> skipped;
    }
    std::int64_t user = 0;
    std::int64_t system = 0;
    std::int64_t waited_user = 0;
    std::int64_t waited_system = 0;
    rest >> user >> system >> waited_user >> waited_system;
    times.own_ticks = user + system;
    times.waited_ticks = waited_user + waited_system;
    return !rest.fail();
}

[[noreturn]] void fail_gone(pid_t pid) {
    throw Error(
        ErrorKind::unreachable, "process_gone", fmt::format("process {} has ended meanwhile", pid)
    );
}

Times times_of(pid_t pid) {
    Times times;
    if (!read_times(pid, times)) {
        fail_gone(pid);
    }
    return times;
}

pid_t pid_of(const fs::path& entry) {
    const std::string name = entry.filename().string();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    return parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size() ? pid : 0;
}

double seconds(std::int64_t ticks) {
    return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// Value in a file of lines "name: value unit".
std::int64_t value_of(const std::string& text, std::string_view name) {
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) {
        if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ':') {
            return std::stoll(line.substr(name.size() + 1));
        }
    }
    return 0;
}

}  // namespace

double cpu_seconds(pid_t pid) {
    return seconds(times_of(pid).own_ticks);
}

double cpu_seconds_with_children(pid_t pid) {
    std::int64_t sum = 0;
    for (int attempt = 0; attempt < 20; ++attempt) {
        const Times before = times_of(pid);
        sum = before.own_ticks + before.waited_ticks;
        for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
            const pid_t child = pid_of(entry.path());
            Times times;
            if (child > 0 && read_times(child, times) && times.parent == pid) {
                sum += times.own_ticks + times.waited_ticks;
            }
        }
        // A child that was waited for in between would be missing or counted twice: look again.
        if (times_of(pid).waited_ticks == before.waited_ticks) {
            break;
        }
    }
    return seconds(sum);
}

Memory memory_of(pid_t pid) {
    const std::string text = read_text(fmt::format("/proc/{}/status", pid));
    if (text.empty()) {
        fail_gone(pid);
    }
    return {
        value_of(text, "VmRSS"),
        value_of(text, "RssAnon"),
        value_of(text, "RssFile"),
        value_of(text, "VmHWM"),
    };
}

std::int64_t context_switches(pid_t pid) {
    std::int64_t sum = 0;
    std::error_code gone;
    const fs::path tasks = fmt::format("/proc/{}/task", pid);
    for (const fs::directory_entry& task : fs::directory_iterator(tasks, gone)) {
        const std::string text = read_text(task.path() / "status");
        sum += value_of(text, "voluntary_ctxt_switches");
        sum += value_of(text, "nonvoluntary_ctxt_switches");
    }
    if (gone) {
        fail_gone(pid);
    }
    return sum;
}

std::int64_t written_bytes(pid_t pid) {
    const std::string text = read_text(fmt::format("/proc/{}/io", pid));
    if (text.empty()) {
        fail_gone(pid);
    }
    return value_of(text, "write_bytes");
}

std::int64_t written_sectors(const std::string& device) {
    // Documentation/block/stat.rst of the kernel: the seventh number.
    std::istringstream numbers(read_text(fmt::format("/sys/block/{}/stat", device)));
    std::int64_t value = -1;
    for (int field = 0; field < 7; ++field) {
        numbers >> value;
    }
    if (numbers.fail()) {
        throw Error(ErrorKind::storage, "no_device", "no statistics of block device " + device);
    }
    return value;
}

}  // namespace tapline::bench
