#include "agent/doctor/group.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"

namespace tapline::doctor {

namespace {

using nlohmann::json;
using Moment = std::chrono::steady_clock::time_point;
using namespace std::chrono_literals;

constexpr std::size_t max_words_bytes = std::size_t{64} * 1024;
constexpr std::size_t max_text_bytes = 4'000;
constexpr std::chrono::milliseconds patience_with_the_dead = 200ms;
constexpr unsigned spare_s = 2;

/// How a group ended, besides what it told.
struct End {
    bool late = false;
    std::string died;  ///< by what; empty: it didn't
    std::optional<Check> error;
};

std::string line_of(const char* kind, const Check& check) {
    const json line{
        {"kind", kind},
        {"id", check.id},
        {"verdict", static_cast<int>(check.verdict)},
        {"measured", check.measured.substr(0, max_text_bytes)},
        {"what_to_do", check.what_to_do.substr(0, max_text_bytes)}};
    return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

void write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const auto done = ::write(descriptor, text.data(), text.size());
        if (done < 0 && errno != EINTR) {
            return;  // nobody listens any more
        }
        text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(done, 0)));
    }
}

/// The child's whole life.
[[noreturn]] void live(const Group& group, int words) {
    ::setpgid(0, 0);
    // It outlives its parent by no more than this, also as another user.
    const auto limit_s = std::chrono::duration_cast<std::chrono::seconds>(group.limit).count();
    ::alarm(static_cast<unsigned>(limit_s) + spare_s);
    try {
        group.look([words](const Check& check) { write_all(words, line_of("check", check)); });
    } catch (const Error& failure) {
        const bool busy = failure.kind() == ErrorKind::storage_busy;
        Check error{"", busy ? Verdict::unknown : Verdict::fail, failure.what(), "", ""};
        error.what_to_do = busy ? "" : failure.hint();
        write_all(words, line_of("error", error));
    }
    ::_exit(0);
}

std::chrono::milliseconds until(Moment end) {
    return std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
}

/// What it wrote until it ended; late: it hadn't ended by then.
std::string listen(int words, Moment end, bool& late) {
    std::string text;
    std::array<char, 4096> piece{};
    while (text.size() < max_words_bytes) {
        const auto rest = until(end);
        pollfd ready{words, POLLIN, 0};
        if (rest <= 0ms) {
            late = true;
            break;
        }
        if (::poll(&ready, 1, static_cast<int>(rest.count())) <= 0) {
            continue;
        }
        const auto got = ::read(words, piece.data(), piece.size());
        if (got == 0 || (got < 0 && errno != EINTR)) {
            break;
        }
        text.append(piece.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
    return text;
}

/// Also what it started; a process that waits for a dead disk doesn't die.
std::string end_child(pid_t child, bool kill_it) {
    if (kill_it) {
        ::kill(-child, SIGKILL);
        ::kill(child, SIGKILL);
    }
    int status = 0;
    const auto end = std::chrono::steady_clock::now() + patience_with_the_dead;
    while (true) {
        const pid_t ended = ::waitpid(child, &status, WNOHANG);
        if (ended == child) {
            break;
        }
        if (until(end) <= 0ms) {
            return "it doesn't end";
        }
        std::this_thread::sleep_for(1ms);
    }
    if (WIFSIGNALED(status)) {
        return fmt::format("signal {}", WTERMSIG(status));
    }
    return WEXITSTATUS(status) == 0 ? "" : fmt::format("exit {}", WEXITSTATUS(status));
}

Report read_words(const std::string& text, End& end) {
    Report told;
    std::size_t start = 0;
    for (auto stop = text.find('\n'); stop != std::string::npos; stop = text.find('\n', start)) {
        const auto line = json::parse(text.substr(start, stop - start), nullptr, false);
        start = stop + 1;
        if (!line.is_object()) {
            continue;
        }
        Check check;
        check.id = line.at("id");
        check.verdict = static_cast<Verdict>(line.at("verdict").get<int>());
        check.measured = line.at("measured");
        check.what_to_do = line.at("what_to_do");
        if (line.at("kind") == "error") {
            end.error = std::move(check);
        } else {
            told.push_back(std::move(check));
        }
    }
    return told;
}

Check first_untold(const Group& group, const End& end, const std::string& limit) {
    if (end.late) {
        const bool finding = group.late > Verdict::unknown;
        return {
            "",
            group.late,
            fmt::format("no answer within {}", limit),
            finding ? group.late_advice : "",
            ""};
    }
    if (end.error) {
        return *end.error;
    }
    if (!end.died.empty()) {
        return {"", Verdict::unknown, "the check ended by " + end.died, "", ""};
    }
    return {"", Verdict::skip, "not looked at", "", ""};
}

bool is_of(const Check& check, const Group& group, std::string_view id) {
    return check.id == id && (check.subject.empty() || check.subject == group.subject);
}

/// The first of what it needs that isn't well; empty: nothing.
std::string_view unmet(const Group& group, const Report& before) {
    for (const auto id : group.needs) {
        for (const auto& check : before) {
            if (is_of(check, group, id) && check.verdict != Verdict::ok) {
                return id;
            }
        }
    }
    return {};
}

Report skip_all(const Group& group, std::string_view cause) {
    Report report;
    for (const auto id : group.ids) {
        const auto why = fmt::format("not looked at: see {}", cause);
        report.push_back({std::string(id), Verdict::skip, why, "", group.subject});
    }
    return report;
}

/// The last one that was told made the check end where it did.
std::string_view last_told(const Group& group, const Report& told) {
    std::string_view last;
    for (const auto id : group.ids) {
        if (std::any_of(told.begin(), told.end(), [id](const Check& c) { return c.id == id; })) {
            last = id;
        }
    }
    return last;
}

Report complete(const Group& group, const Report& told, const End& end, const std::string& limit) {
    const bool whole = !end.late && !end.error && end.died.empty();
    std::string_view cause = whole ? last_told(group, told) : std::string_view{};
    Report report;
    for (const auto id : group.ids) {
        const auto found =
            std::find_if(told.begin(), told.end(), [id](const Check& c) { return c.id == id; });
        if (found != told.end()) {
            report.push_back(*found);
        } else if (cause.empty()) {
            cause = id;
            report.push_back(first_untold(group, end, limit));
            report.back().id = id;
        } else {
            const auto why = fmt::format("not looked at: see {}", cause);
            report.push_back({std::string(id), Verdict::skip, why, "", ""});
        }
        report.back().subject = group.subject;
    }
    return report;
}

std::string seconds_text(std::chrono::milliseconds time) {
    return fmt::format("{:.1f} s", static_cast<double>(std::max(time, 0ms).count()) / 1000);
}

}  // namespace

std::string_view name_of(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::ok:
            return "ok";
        case Verdict::skip:
            return "skip";
        case Verdict::unknown:
            return "unknown";
        case Verdict::warn:
            return "warn";
        case Verdict::fail:
            return "fail";
    }
    return "unknown";
}

Report look_at(const Group& group, const Report& before, Moment end) {
    if (const auto cause = unmet(group, before); !cause.empty()) {
        return skip_all(group, cause);
    }
    End how;
    const auto limit = std::min(group.limit, until(end));
    if (limit <= 0ms) {
        // The time was spent elsewhere, which says nothing about this.
        how.died = "the time limit of all checks";
        return complete(group, {}, how, "");
    }
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        how.died = std::strerror(errno);
        return complete(group, {}, how, "");
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        live(group, ends[1]);
    }
    ::close(ends[1]);
    if (child < 0) {
        ::close(ends[0]);
        how.died = "want of memory or processes";
        return complete(group, {}, how, "");
    }
    ::setpgid(child, child);
    const auto text = listen(ends[0], std::chrono::steady_clock::now() + limit, how.late);
    ::close(ends[0]);
    how.died = end_child(child, how.late || text.size() >= max_words_bytes);
    const auto told = read_words(text, how);
    return complete(group, told, how, seconds_text(limit));
}

}  // namespace tapline::doctor
