#include "central/import/child.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::alembic {

namespace {

using std::chrono::steady_clock;

constexpr int exec_failed = 127;

[[noreturn]] void fail_spawn(const std::string& program) {
    throw Error(
        ErrorKind::storage,
        "spawn",
        fmt::format("{} can't be started: {}", program, std::strerror(errno)),
        "free memory, or raise the limits of processes and open files"
    );
}

/// Both ends closed at the end.
class Pipe {
  public:
    explicit Pipe(const std::string& program) {
        if (pipe2(ends_.data(), O_CLOEXEC) != 0) {
            fail_spawn(program);
        }
    }

    ~Pipe() {
        close_end(0);
        close_end(1);
    }

    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    [[nodiscard]] int reader() const noexcept { return ends_[0]; }

    [[nodiscard]] int writer() const noexcept { return ends_[1]; }

    void close_end(std::size_t which) noexcept {
        if (ends_.at(which) >= 0) {
            close(std::exchange(ends_.at(which), -1));
        }
    }

  private:
    std::array<int, 2> ends_{-1, -1};
};

/// Kills and reaps what was not waited for.
class Running {
  public:
    explicit Running(pid_t pid) noexcept : pid_(pid) {}

    ~Running() {
        if (pid_ > 0) {
            kill(pid_, SIGKILL);
            (void)wait();
        }
    }

    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    int wait() noexcept {
        int status = 0;
        while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

  private:
    pid_t pid_;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts) {
        result.push_back(text.data());
    }
    result.push_back(nullptr);
    return result;
}

/// Only calls that are safe between fork and exec in a program with threads.
pid_t start(const Child& child, const Pipe& out, const Pipe& err) {
    std::vector<std::string> arguments = child.arguments;
    std::vector<std::string> environment;
    for (const auto& [name, value] : child.environment) {
        environment.push_back(fmt::format("{}={}", name, value));
    }
    const std::vector<char*> argv = pointers(arguments);
    const std::vector<char*> envp = pointers(environment);
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) {
        fail_spawn(arguments.front());
    }
    if (pid > 0) {
        return pid;
    }
    const int null_fd = open("/dev/null", O_RDONLY);
    dup2(null_fd, STDIN_FILENO);
    dup2(out.writer(), STDOUT_FILENO);
    dup2(err.writer(), STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || chdir(child.directory.c_str()) != 0) {
        _exit(exec_failed);
    }
    execve(argv[0], argv.data(), envp.data());
    _exit(exec_failed);
}

/// One read; false at the end.
bool read_some(int handle, std::string& into) {
    std::array<char, 65'536> piece{};
    const ssize_t count = ::read(handle, piece.data(), piece.size());
    if (count < 0) {
        return errno == EINTR;
    }
    into.append(piece.data(), static_cast<std::size_t>(count));
    return count > 0;
}

[[noreturn]] void fail_limit(const Child& child, const std::string& what) {
    std::string command;
    for (const std::string& each : child.arguments) {
        command += (command.empty() ? "" : " ") + each;
    }
    throw Error(
        ErrorKind::refused,
        "child_limit",
        fmt::format("{} {}; it was ended", command, what),
        "run that command by hand and see what it waits for"
    );
}

}  // namespace

ChildEnd run_child(const Child& child, const ChildLimits& limits) {
    Pipe out(child.arguments.front());
    Pipe err(child.arguments.front());
    Running running(start(child, out, err));
    out.close_end(1);
    err.close_end(1);
    ChildEnd end;
    const auto deadline = steady_clock::now() + limits.time;
    std::array<pollfd, 2> handles{pollfd{out.reader(), POLLIN, 0}, pollfd{err.reader(), POLLIN, 0}};
    const std::array<std::string*, 2> texts{&end.out, &end.err};
    while (handles[0].fd >= 0 || handles[1].fd >= 0) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
        if (left.count() <= 0) {
            fail_limit(child, fmt::format("ran longer than {} s", limits.time.count()));
        }
        if (poll(handles.data(), handles.size(), static_cast<int>(left.count())) < 0) {
            continue;  // a signal; the time is looked at again
        }
        for (std::size_t i = 0; i < handles.size(); ++i) {
            if (handles.at(i).fd >= 0 && handles.at(i).revents != 0 &&
                !read_some(handles.at(i).fd, *texts.at(i))) {
                handles.at(i).fd = -1;  // poll() passes it over
            }
        }
        if (end.out.size() > limits.bytes || end.err.size() > limits.bytes) {
            fail_limit(child, fmt::format("printed more than {} bytes", limits.bytes));
        }
    }
    end.exit_code = running.wait();
    return end;
}

std::filesystem::path find_program(const std::string& text) {
    namespace fs = std::filesystem;
    if (text.find('/') != std::string::npos) {
        if (access(text.c_str(), X_OK) == 0 && !fs::is_directory(text)) {
            return fs::absolute(text);
        }
    } else {
        const char* path = std::getenv("PATH");
        std::string_view rest = path == nullptr ? "" : path;
        while (!rest.empty()) {
            const std::size_t at = rest.find(':');
            fs::path candidate = fs::path(rest.substr(0, at)) / text;
            if (candidate.is_absolute() && access(candidate.c_str(), X_OK) == 0 &&
                !fs::is_directory(candidate)) {
                return candidate;
            }
            rest = at == std::string_view::npos ? "" : rest.substr(at + 1);
        }
    }
    throw Error(
        ErrorKind::usage,
        "no_program",
        fmt::format("there is no program {}", text),
        "name the project's own Alembic: --alembic VENV/bin/alembic"
    );
}

}  // namespace tapline::alembic
