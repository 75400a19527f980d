#include "agent/doctor/tap_program.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <string_view>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/log.hpp"

namespace fs = std::filesystem;

namespace tapline::doctor {

namespace {

constexpr const char* interval_name = "SYNC_INTERVAL_SECONDS";
constexpr const char* server_name = "SERVER_URL";
constexpr const char* file_name_name = "DEVICE_ENV_PATH";
constexpr std::array<std::string_view, 3> wanted{interval_name, server_name, file_name_name};
constexpr std::size_t max_programs = 8;
constexpr std::size_t max_value_bytes = 512;
constexpr std::int64_t longest_interval_s = 10'000'000'000;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\v\f";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::string_view unquoted(std::string_view value) {
    const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                        value.back() == value.front();
    return quoted ? value.substr(1, value.size() - 2) : value;
}

void take(Variables& variables, std::string_view name, std::string_view value) {
    if (std::find(wanted.begin(), wanted.end(), name) != wanted.end()) {
        variables[std::string(name)] = std::string(value.substr(0, max_value_bytes));
    }
}

std::optional<Variable> one_of(
    const std::string& name,
    const Variables& process,
    const std::optional<Variables>& file,
    const std::string& file_name
) {
    if (const auto found = process.find(name); found != process.end()) {
        return Variable{std::string(unquoted(found->second)), "its environment"};
    }
    if (!file) {
        return std::nullopt;
    }
    const auto found = file->find(name);
    return found == file->end() ? std::nullopt : std::optional(Variable{found->second, file_name});
}

/// argv[0] without its directory.
std::string program_name(const Look& look, std::int64_t pid) {
    const auto command = look.text(fmt::format("/proc/{}/cmdline", pid)).value_or("");
    return fs::path(command.substr(0, command.find('\0'))).filename().string();
}

/// The last part of its control group that is a service (systemd's naming, cgroups(7)).
std::string unit_of(const Look& look, std::int64_t pid) {
    std::istringstream lines(look.text(fmt::format("/proc/{}/cgroup", pid)).value_or(""));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream parts(line);
        std::string unit;
        for (std::string part; std::getline(parts, part, '/');) {
            unit = part.ends_with(".service") ? part : unit;
        }
        if (!unit.empty()) {
            return printable(unit, 100);
        }
    }
    return {};
}

std::string user_of(const Look& look, std::int64_t pid) {
    struct stat process {};

    if (::stat(look.at(fmt::format("/proc/{}", pid)).c_str(), &process) != 0) {
        return "?";
    }
    const auto* entry =
        ::getpwuid(process.st_uid);  // NOLINT(concurrency-mt-unsafe): checks run in one thread
    return entry == nullptr ? fmt::format("{}", process.st_uid) : std::string(entry->pw_name);
}

SyncSettings settings_of(const Look& look, std::int64_t pid, const fs::path& directory) {
    const auto process =
        variables_of_process(look.text(fmt::format("/proc/{}/environ", pid)).value_or(""));
    const auto named = process.find(file_name_name);
    const auto file = named == process.end() ? std::string(usual_device_env)
                                             : (directory / named->second).string();
    const auto text = look.text(file);
    return combine(
        process, text ? std::optional(variables_of_file(*text)) : std::nullopt, printable(file, 200)
    );
}

}  // namespace

Variables variables_of_process(const std::string& environ) {
    Variables variables;
    std::istringstream words(environ);
    for (std::string word; std::getline(words, word, '\0');) {
        const auto equals = word.find('=');
        if (equals != std::string::npos) {
            take(variables, word.substr(0, equals), std::string_view(word).substr(equals + 1));
        }
    }
    return variables;
}

Variables variables_of_file(const std::string& text) {
    constexpr std::string_view exported = "export ";
    Variables variables;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        auto rest = trimmed(line);
        if (rest.starts_with(exported)) {
            rest = trimmed(rest.substr(exported.size()));
        }
        const auto equals = rest.find('=');
        if (equals != std::string_view::npos && !rest.starts_with('#')) {
            take(
                variables,
                trimmed(rest.substr(0, equals)),
                unquoted(trimmed(rest.substr(equals + 1)))
            );
        }
    }
    return variables;
}

SyncSettings combine(
    const Variables& process, const std::optional<Variables>& file, const std::string& file_name
) {
    SyncSettings settings;
    settings.file = file_name;
    settings.file_read = file.has_value();
    settings.interval = one_of(interval_name, process, file, file_name);
    settings.server = one_of(server_name, process, file, file_name);
    if (settings.server) {
        settings.server->value = shown_url(settings.server->value);
    }
    return settings;
}

std::optional<std::chrono::seconds> interval_of(const SyncSettings& settings) {
    if (!settings.interval) {
        return std::nullopt;
    }
    const auto text = trimmed(settings.interval->value);
    std::int64_t seconds = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool whole = failure == std::errc{} && end == text.data() + text.size();
    if (!whole || seconds <= 0 || seconds > longest_interval_s) {
        return std::nullopt;
    }
    return std::chrono::seconds(seconds);
}

std::optional<ServerAddress> server_address(const std::string& url) {
    const bool tls = url.starts_with("https://");
    if (!tls && !url.starts_with("http://")) {
        return std::nullopt;
    }
    auto rest = url.substr(url.find("//") + 2);
    rest = rest.substr(0, rest.find_first_of("/?#"));
    if (const auto at = rest.rfind('@'); at != std::string::npos) {
        rest.erase(0, at + 1);
    }
    const auto bracket = rest.starts_with('[') ? rest.find(']') : std::string::npos;
    const auto colon = rest.find(':', bracket == std::string::npos ? 0 : bracket);
    ServerAddress address;
    address.host =
        bracket == std::string::npos ? rest.substr(0, colon) : rest.substr(1, bracket - 1);
    address.port = colon == std::string::npos ? (tls ? "443" : "80") : rest.substr(colon + 1);
    const bool digits = !address.port.empty() && address.port.size() <= 5 &&
                        address.port.find_first_not_of("0123456789") == std::string::npos;
    if (address.host.empty() || !digits) {
        return std::nullopt;
    }
    return address;
}

std::string shown_url(const std::string& url) {
    const auto address = server_address(url);
    if (!address) {
        return "(unreadable)";
    }
    const bool v6 = address->host.find(':') != std::string::npos;
    return fmt::format(
        "{}://{}{}{}:{}",
        url.substr(0, url.find(':')),
        v6 ? "[" : "",
        printable(address->host, 100),
        v6 ? "]" : "",
        address->port
    );
}

std::vector<TapProgram> find_tap_programs(const Look& look, const fs::path& journal) {
    struct stat file {};

    const bool there = ::stat(journal.c_str(), &file) == 0;
    std::vector<TapProgram> found;
    for (const auto pid : look.processes()) {
        const auto program = program_name(look, pid);
        if (program.empty() || program.starts_with("tapline-") || pid == ::getpid()) {
            continue;
        }
        std::error_code unreadable;
        const auto directory =
            fs::read_symlink(look.at(fmt::format("/proc/{}/cwd", pid)), unreadable);
        TapProgram one;
        one.pid = pid;
        one.unit = unit_of(look, pid);
        one.opened = there && look.has_open(pid, file);
        const bool python_there =
            program.starts_with("python") && directory == journal.parent_path();
        if (!one.opened && one.unit != tap_unit && !python_there) {
            continue;
        }
        one.name = look.process(pid);
        one.user = user_of(look, pid);
        one.settings = settings_of(look, pid, directory);
        found.push_back(std::move(one));
        if (found.size() == max_programs) {
            break;
        }
    }
    return found;
}

std::string describe(const TapProgram& program) {
    return fmt::format(
        "{}, {}, user {}",
        program.name,
        program.unit.empty() ? "started by hand" : program.unit,
        program.user
    );
}

std::string describe(const SyncSettings& settings) {
    const auto told = [](const char* name, const std::optional<Variable>& variable) {
        return variable ? fmt::format(
                              "{} {} ({})", name, printable(variable->value, 100), variable->from
                          )
                        : fmt::format("{} isn't set", name);
    };
    return fmt::format(
        "{}; {}{}",
        told(interval_name, settings.interval),
        told(server_name, settings.server),
        settings.file_read ? "" : fmt::format("; there is no {}", settings.file)
    );
}

}  // namespace tapline::doctor
