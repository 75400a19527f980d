#include "agent/cli/bundle_parts.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include <sys/klog.h>
#include <sys/utsname.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/identity/identity.hpp"
#include "agent/service/child.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/log.hpp"
#include "common/version.hpp"

namespace tapline::cli {

namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr std::size_t max_part_bytes = std::size_t{4} * 1024 * 1024;
constexpr std::size_t max_log_bytes = std::size_t{1024} * 1024;
constexpr std::size_t max_system_bytes = std::size_t{64} * 1024;
constexpr std::chrono::milliseconds program_limit = 10s;
constexpr int read_all_of_the_kernels_log = 3;  // syslog(2), SYSLOG_ACTION_READ_ALL
constexpr const char* this_program = "/proc/self/exe";
constexpr std::array<std::string_view, 10> kernel_words{
    "mmc",
    "ext4",
    "i/o error",
    "voltage",
    "throttl",
    "thermal",
    "oom",
    "out of memory",
    "sqlite",
    "tapline"};

std::chrono::milliseconds since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begin
    );
}

/// The last `most` bytes, from the beginning of a line.
std::string tail_of(std::ifstream& file, std::size_t most) {
    file.seekg(0, std::ios::end);
    const auto size = static_cast<std::size_t>(std::max<std::streamoff>(file.tellg(), 0));
    const auto skipped = size - std::min(size, most);
    file.seekg(static_cast<std::streamoff>(skipped));
    std::string text(size - skipped, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return skipped == 0 ? text : text.substr(std::min(text.find('\n'), text.size() - 1) + 1);
}

std::string pretty(const std::string& text) {
    const auto parsed = json::parse(text, nullptr, false);
    return parsed.is_discarded()
               ? text
               : parsed.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

bool is_wanted(const std::string& line) {
    std::string lowered = line;
    std::transform(lowered.begin(), lowered.end(), lowered.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return std::any_of(kernel_words.begin(), kernel_words.end(), [&lowered](auto word) {
        return lowered.find(word) != std::string::npos;
    });
}

/// Options of a mount may hold a name or more.
std::string mounts() {
    std::ifstream file("/proc/self/mounts");
    std::string text;
    for (std::string line; std::getline(file, line) && text.size() < max_system_bytes;) {
        std::istringstream words(line);
        std::string source;
        std::string place;
        std::string type;
        std::string options;
        words >> source >> place >> type >> options;
        text +=
            fmt::format("{} {} {} {}\n", source, place, type, options.substr(0, options.find(',')));
    }
    return text;
}

}  // namespace

PartMaker::PartMaker(
    const service::Flags& flags,
    const service::Settings& settings,
    std::chrono::steady_clock::time_point end
)
    : flags_(flags), settings_(settings), end_(end), redactor_(settings.state_dir) {}

std::vector<std::string> PartMaker::given_flags() const {
    std::vector<std::string> words;
    const auto add = [&words](const char* flag, const std::optional<std::string>& value) {
        if (value) {
            words.insert(words.end(), {flag, *value});
        }
    };
    add("--config", flags_.config);
    add("--central", flags_.central);
    add("--name", flags_.name);
    add("--state-dir", flags_.state_dir);
    for (const auto& journal : flags_.journals) {
        words.insert(words.end(), {"--journal", journal});
    }
    return words;
}

Part PartMaker::finished(Part part) const {
    part.text = redactor_.clean(std::move(part.text));
    part.note = redactor_.clean(std::move(part.note));
    return part;
}

Part PartMaker::child(
    Part part, const std::vector<std::string>& argv, std::chrono::milliseconds limit
) const {
    const auto begin = std::chrono::steady_clock::now();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - begin);
    if (left <= 0ms) {
        part.note = "not made: the time was over";
        return finished(std::move(part));
    }
    auto ran = service::run_child(argv, std::min(limit, left), max_part_bytes);
    part.took = since(begin);
    part.text = std::move(ran.output);
    if (ran.late) {
        part.note = fmt::format("it was ended after {} s", std::min(limit, left).count() / 1000);
    } else if (ran.cut) {
        part.note = "it was cut";
    } else if (part.text.empty() && ran.exit_code != 0) {
        part.note = fmt::format("exit {}: {}", ran.exit_code, printable(ran.errors));
    }
    return finished(std::move(part));
}

Part PartMaker::verb(
    const std::string& name, std::vector<std::string> arguments, std::chrono::milliseconds limit
) const {
    arguments.insert(arguments.begin(), this_program);
    auto part = child({name, "", "", 0ms}, arguments, limit);
    if (name.ends_with(".json")) {
        part.text = pretty(part.text);
    }
    return part;
}

Part PartMaker::program(const std::string& name, const std::vector<std::string>& argv) const {
    if (!std::filesystem::exists(argv.front())) {
        return {name, "", argv.front() + " isn't here", 0ms};
    }
    return child({name, "", "", 0ms}, argv, program_limit);
}

Part PartMaker::file(const std::string& name, const std::string& path) const {
    Part part{name, "", "", 0ms};
    std::error_code missing;
    // A pipe would never end.
    std::ifstream file;
    if (std::filesystem::is_regular_file(path, missing)) {
        file.open(path, std::ios::binary);
    }
    if (!file.is_open()) {
        part.note = fmt::format("{} can't be read", path);
        return part;
    }
    part.text = tail_of(file, max_log_bytes);
    return finished(std::move(part));
}

Part PartMaker::settings_part() const {
    const json shown{
        {"journal", settings_.journals},
        {"central", settings_.central},
        {"name", settings_.name},
        {"tap_gate", settings_.custody ? "custody" : "ack"},
        {"log_level", settings_.log_level},
        {"status_file", settings_.status_file},
        {"state_dir", settings_.state_dir},
        {"retry_base_ms", settings_.backoff.base.count()},
        {"retry_cap_ms", settings_.backoff.cap.count()},
        {"keep_days", settings_.keep_pours / 24h}};
    return finished({"settings.json", pretty(shown.dump()), "", 0ms});
}

Part PartMaker::identity_part() const {
    Part part{"identity.json", "", "", 0ms};
    try {
        const auto identity = identity::load(settings_.state_dir);
        if (!identity) {
            part.note = "this device isn't enrolled";
            return part;
        }
        const auto certificate = pki::Certificate::from_pem(identity->credentials->certificate);
        json roots = json::array();
        for (const auto& root : pki::Certificate::all_from_pem(identity->credentials->roots)) {
            roots.push_back(
                {{"fingerprint", to_hex(root.fingerprint())},
                 {"until", format_utc(root.not_after())}}
            );
        }
        const json shown{
            {"name", identity->name},
            {"central", identity->central},
            {"serial", certificate.serial()},
            {"fingerprint", to_hex(certificate.fingerprint())},
            {"from", format_utc(identity->not_before)},
            {"until", format_utc(identity->not_after)},
            {"authorities", roots}};
        part.text = pretty(shown.dump());
    } catch (const Error& failure) {
        part.note = failure.what();
    }
    return finished(std::move(part));
}

Part PartMaker::kernel_part() const {
    Part part{"kernel.txt", "", "", 0ms};
    std::string log(max_log_bytes, '\0');
    const int got =
        ::klogctl(read_all_of_the_kernels_log, log.data(), static_cast<int>(log.size()));
    if (got < 0) {
        part.note = "the kernel's log is for root";
        return part;
    }
    log.resize(static_cast<std::size_t>(got));
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) {
        if (is_wanted(line)) {
            part.text += line + "\n";
        }
    }
    return finished(std::move(part));
}

Part PartMaker::system_part() const {
    Part part{"system.txt", "", "", 0ms};
    utsname names{};
    ::uname(&names);
    part.text = fmt::format(
        "tapline-agent {}\n{} {} {} {}\n",
        version,
        names.sysname,
        names.release,
        names.version,
        names.machine
    );
    for (const auto* path :
         {"/sys/firmware/devicetree/base/model",
          "/etc/os-release",
          "/proc/uptime",
          "/proc/loadavg",
          "/proc/meminfo",
          "/proc/partitions"}) {
        std::ifstream file(path, std::ios::binary);
        std::string text(max_system_bytes, '\0');
        file.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(file.gcount()));
        part.text += fmt::format("\n== {}\n{}\n", path, text);
    }
    part.text += "\n== mounts\n" + mounts();
    return finished(std::move(part));
}

}  // namespace tapline::cli
