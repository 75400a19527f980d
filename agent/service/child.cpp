#include "agent/service/child.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tapline::service {

namespace {

using namespace std::chrono_literals;
using Moment = std::chrono::steady_clock::time_point;

constexpr int not_started = 127;

/// Both ends of a pipe; what is still open closes with it.
class Pipe {
  public:
    Pipe() { made_ = ::pipe2(ends_.data(), O_CLOEXEC) == 0; }

    ~Pipe() {
        close(0);
        close(1);
    }

    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    [[nodiscard]] bool made() const noexcept { return made_; }

    [[nodiscard]] int reader() const noexcept { return ends_[0]; }

    [[nodiscard]] int writer() const noexcept { return ends_[1]; }

    void close(std::size_t end) noexcept {
        if (ends_.at(end) >= 0) {
            ::close(ends_.at(end));
            ends_.at(end) = -1;
        }
    }

  private:
    std::array<int, 2> ends_{-1, -1};
    bool made_ = false;
};

[[noreturn]] void become(const std::vector<std::string>& argv, const Pipe& out, const Pipe& err) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    std::vector<char*> words;
    std::vector<std::string> copies = argv;
    for (auto& word : copies) {
        words.push_back(word.data());
    }
    words.push_back(nullptr);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(out.writer(), STDOUT_FILENO);
    ::dup2(err.writer(), STDERR_FILENO);
    ::execv(words.front(), words.data());
    ::_exit(not_started);
}

/// False at the end of it.
bool take(int from, std::string& into, std::size_t max_bytes, bool& cut) {
    std::array<char, 8192> piece{};
    const auto got = ::read(from, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) {
        return true;
    }
    if (got <= 0) {
        return false;
    }
    const auto room = max_bytes - std::min(max_bytes, into.size());
    const auto kept = std::min(room, static_cast<std::size_t>(got));
    into.append(piece.data(), kept);
    cut = cut || kept < static_cast<std::size_t>(got);
    return true;
}

std::chrono::milliseconds until(Moment end) {
    return std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
}

void listen(Ran& ran, int out, int err, Moment end, std::size_t max_bytes) {
    std::array<pollfd, 2> open{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
    while (open[0].fd >= 0 || open[1].fd >= 0) {
        const auto rest = until(end);
        if (rest <= 0ms) {
            ran.late = true;
            return;
        }
        if (::poll(open.data(), open.size(), static_cast<int>(rest.count())) <= 0) {
            continue;
        }
        for (auto& one : open) {
            auto& into = one.fd == out ? ran.output : ran.errors;
            if (one.revents != 0 && !take(one.fd, into, max_bytes, ran.cut)) {
                one.fd = -1;
            }
        }
    }
}

/// It has closed its outputs, or is to be killed; one that lingers without them is killed as well.
void reap(Ran& ran, pid_t child, Moment end) {
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
        if (ran.late || until(end) <= 0ms) {
            ran.late = true;
            ::kill(-child, SIGKILL);
            ::kill(child, SIGKILL);
            // Killed is dead, unless it waits for a disk that never answers: then it is left.
            std::this_thread::sleep_for(100ms);
            ::waitpid(child, &status, WNOHANG);
            return;
        }
        std::this_thread::sleep_for(1ms);
    }
    ran.exit_code = WIFEXITED(status) && !ran.late ? WEXITSTATUS(status) : -1;
}

}  // namespace

Ran run_child(
    const std::vector<std::string>& argv, std::chrono::milliseconds limit, std::size_t max_bytes
) {
    Ran ran;
    Pipe out;
    Pipe err;
    const pid_t child = out.made() && err.made() ? ::fork() : -1;
    if (child < 0) {
        ran.errors = std::strerror(errno);
        return ran;
    }
    if (child == 0) {
        become(argv, out, err);
    }
    ::setpgid(child, child);
    out.close(1);
    err.close(1);
    const auto end = std::chrono::steady_clock::now() + limit;
    listen(ran, out.reader(), err.reader(), end, max_bytes);
    reap(ran, child, end);
    return ran;
}

}  // namespace tapline::service
