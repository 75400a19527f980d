#include "bench/lab/process.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>

#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience_before_kill{20};
constexpr int exec_failed = 127;

// Signal handlers can reach nothing but a global.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<bool> interrupted = false;

void note_interrupt(int) {
    interrupted = true;
}

/// Neither the caller's database nor his test hooks may leak into what is measured.
bool is_ours(std::string_view entry) {
    for (const std::string_view prefix : {"PG", "POSTGRES_", "TAPLINE_", "DATABASE_URL="}) {
        if (entry.starts_with(prefix)) {
            return true;
        }
    }
    return false;
}

std::vector<std::string> environment_for(const Command& command) {
    std::vector<std::string> result;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        if (!is_ours(*entry)) {
            result.emplace_back(*entry);
        }
    }
    for (const auto& [name, value] : command.environment) {
        result.push_back(name + "=" + value);
    }
    return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        result.push_back(text.data());
    }
    result.push_back(nullptr);
    return result;
}

int open_for_child(const fs::path& file, int flags) {
    const fs::path target = file.empty() ? fs::path("/dev/null") : file;
    return open(target.c_str(), flags | O_CREAT | O_CLOEXEC, 0644);
}

struct Descriptors {
    int output;
    int log;
};

/// As on a machine whose users have used up their inotify instances. The agent needs no switch for
/// this, and nothing outside this process changes.
bool refuse_inotify() noexcept {
    std::array<sock_filter, 4> filter{{
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_inotify_init1},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EMFILE},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    }};
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(
    const Command& command, char** arguments, char** environment, Descriptors to, pid_t parent
) {
    setsid();
    const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null_fd, STDIN_FILENO);
    dup2(to.output, STDOUT_FILENO);
    dup2(to.log, STDERR_FILENO);
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGPIPE, SIG_DFL);
    if (command.user) {
        const gid_t gid = command.user->gid;
        const uid_t uid = command.user->uid;
        if (setgroups(1, &gid) != 0 || setresgid(gid, gid, gid) != 0 ||
            setresuid(uid, uid, uid) != 0) {
            _exit(exec_failed);
        }
    }
    // After the change of user: the kernel forgets the death signal there.
    prctl(PR_SET_PDEATHSIG, command.death_signal);
    if (getppid() != parent || chdir("/") != 0) {
        _exit(exec_failed);
    }
    if (command.without_inotify && !refuse_inotify()) {
        _exit(exec_failed);
    }
    execve(arguments[0], arguments, environment);
    _exit(exec_failed);
}

std::string tail_of(const fs::path& file) {
    constexpr std::streamoff most = 2'000;
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in) {
        return {};
    }
    const std::streamoff size = in.tellg();
    in.seekg(size > most ? size - most : 0);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

void install_interrupt_handler() {
    std::signal(SIGINT, note_interrupt);
    std::signal(SIGTERM, note_interrupt);
    std::signal(SIGPIPE, SIG_IGN);
}

void throw_if_interrupted() {
    if (interrupted) {
        throw Error(ErrorKind::refused, "interrupted", "the measurement was interrupted");
    }
}

void pause_for(std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds slice{50};
    const Clock::time_point end = Clock::now() + time;
    while (Clock::now() < end) {
        throw_if_interrupted();
        std::this_thread::sleep_until(std::min(end, Clock::now() + slice));
    }
}

void wait_until(
    const std::function<bool()>& condition,
    std::chrono::milliseconds limit,
    std::string_view what,
    std::chrono::milliseconds pause
) {
    const Clock::time_point end = Clock::now() + limit;
    while (!condition()) {
        throw_if_interrupted();
        if (Clock::now() > end) {
            throw Error(
                ErrorKind::unreachable,
                "timed_out",
                fmt::format("not within {} ms: {}", limit.count(), what),
                "run again with --keep and read the logs in the directory that it names"
            );
        }
        std::this_thread::sleep_for(pause);
    }
}

Child::Child(Command command) : command_(std::move(command)) {
    if (access(command_.arguments.front().c_str(), X_OK) != 0) {
        throw Error(
            ErrorKind::refused,
            "no_program",
            command_.arguments.front() + " can't be run",
            "build the preset release, or name the directory of the programs with --bin"
        );
    }
    std::array<int, 2> channel{-1, -1};
    if (command_.pipe_output && pipe2(channel.data(), O_CLOEXEC) != 0) {
        throw Error(ErrorKind::storage, "spawn", "can't make a pipe");
    }
    const int log = open_for_child(command_.log, O_WRONLY | O_APPEND);
    int output = channel[1];
    if (!command_.pipe_output) {
        output =
            command_.output.empty() ? log : open_for_child(command_.output, O_WRONLY | O_TRUNC);
    }
    std::vector<std::string> environment = environment_for(command_);
    const std::vector<char*> environment_pointers = pointers(environment);
    const std::vector<char*> argument_pointers = pointers(command_.arguments);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ == 0) {
        char** const arguments = const_cast<char**>(argument_pointers.data());
        char** const variables = const_cast<char**>(environment_pointers.data());
        become(command_, arguments, variables, {output, log}, parent);
    }
    const int error = errno;
    output_fd_ = channel[0];
    close(log);
    if (output != log) {
        close(output);
    }
    if (pid_ < 0) {
        throw Error(
            ErrorKind::storage, "spawn", fmt::format("can't fork: {}", std::strerror(error))
        );
    }
}

Child::~Child() {
    stop();
    if (output_fd_ >= 0) {
        close(output_fd_);
    }
}

bool Child::reap(int flags) noexcept {
    if (exit_code_ || pid_ <= 0) {
        return true;
    }
    int status = 0;
    const pid_t found = waitpid(pid_, &status, flags);
    if (found == pid_) {
        exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (found < 0 && errno != EINTR) {
        exit_code_ = exec_failed;
    }
    return exit_code_.has_value();
}

bool Child::running() {
    return !reap(WNOHANG);
}

std::optional<int> Child::wait(std::chrono::milliseconds limit) {
    const Clock::time_point end = Clock::now() + limit;
    // Its end wakes us at once: short programs are timed by this.
    const int ended = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    while (!reap(WNOHANG) && Clock::now() <= end) {
        throw_if_interrupted();
        pollfd one{ended, POLLIN, 0};
        poll(&one, 1, ended < 0 ? 5 : 100);
    }
    if (ended >= 0) {
        close(ended);
    }
    return exit_code_;
}

void Child::require_success(std::chrono::milliseconds limit) {
    const std::optional<int> code = wait(limit);
    if (code == 0) {
        return;
    }
    const bool late = !code.has_value();
    const std::string outcome = late ? fmt::format("still runs after {} ms", limit.count())
                                     : fmt::format("ended with {}", *code);
    throw Error(
        late ? ErrorKind::unreachable : ErrorKind::data,
        late ? "timed_out" : "failed",
        fmt::format("{} {}; the end of its log:\n{}", name(), outcome, log_tail())
    );
}

void Child::stop(int number) noexcept {
    if (pid_ <= 0 || reap(WNOHANG)) {
        return;
    }
    kill(pid_, number);
    const Clock::time_point end = Clock::now() + patience_before_kill;
    while (!reap(WNOHANG)) {
        if (Clock::now() > end) {
            kill(pid_, SIGKILL);
            reap(0);
            return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

std::string Child::log_tail() const {
    return tail_of(command_.log);
}

std::string output_of(Command command, std::chrono::milliseconds limit) {
    command.pipe_output = true;
    Child child(std::move(command));
    const Clock::time_point end = Clock::now() + limit;
    std::string output;
    std::array<char, 4'096> buffer{};
    while (Clock::now() < end) {
        throw_if_interrupted();
        pollfd ready{child.output_fd(), POLLIN, 0};
        if (poll(&ready, 1, 50) <= 0) {
            continue;
        }
        const ssize_t got = read(child.output_fd(), buffer.data(), buffer.size());
        if (got <= 0) {
            break;
        }
        output.append(buffer.data(), static_cast<std::size_t>(got));
    }
    child.require_success(std::chrono::seconds(5));
    return output;
}

int free_port() {
    std::random_device device;
    for (int attempt = 0; attempt < 200; ++attempt) {
        const int port = 15'000 + static_cast<int>(device() % 17'000);
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const bool bound =
            bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        close(fd);
        if (bound) {
            return port;
        }
    }
    throw Error(ErrorKind::unreachable, "no_port", "no free port between 15000 and 31999");
}

}  // namespace tapline::bench
