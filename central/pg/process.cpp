#include "central/pg/process.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::pg {

namespace {

namespace fs = std::filesystem;

constexpr const char* account_name = "postgres";
constexpr const char* debian_root = "/usr/lib/postgresql";
constexpr int exec_failed = 127;

/// Only calls that are safe between fork and exec in a program with threads.
bool become(const Account& account) noexcept {
    if (!account.switched) {
        return true;
    }
    return setgroups(account.groups.size(), account.groups.data()) == 0 &&
           setresgid(account.gid, account.gid, account.gid) == 0 &&
           setresuid(account.uid, account.uid, account.uid) == 0;
}

pid_t fork_or_throw() {
    const pid_t child = fork();
    if (child < 0) {
        throw Error(
            ErrorKind::storage,
            "spawn",
            fmt::format("can't start another process: {}", std::strerror(errno)),
            "free memory or raise the limit of processes"
        );
    }
    return child;
}

int wait_for(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return exec_failed;
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int major_of(const fs::path& directory) noexcept {
    const std::string name = directory.filename().string();
    int major = -1;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), major);
    return parsed.ec == std::errc{} ? major : -1;
}

bool has_programs(const fs::path& directory) {
    return access((directory / "initdb").c_str(), X_OK) == 0 &&
           access((directory / "postgres").c_str(), X_OK) == 0;
}

fs::path newest_installed() {
    std::error_code ignored;
    fs::path best;
    int best_major = -1;
    for (const fs::directory_entry& entry : fs::directory_iterator(debian_root, ignored)) {
        const int major = major_of(entry.path());
        if (major > best_major && has_programs(entry.path() / "bin")) {
            best_major = major;
            best = entry.path() / "bin";
        }
    }
    return best;
}

fs::path on_path() {
    const char* path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "" : path;
    while (!rest.empty()) {
        const std::size_t at = rest.find(':');
        fs::path directory(rest.substr(0, at));
        if (directory.is_absolute() && has_programs(directory)) {
            return directory;
        }
        rest = at == std::string_view::npos ? "" : rest.substr(at + 1);
    }
    return {};
}

}  // namespace

Account postgres_account() {
    Account account;
    account.uid = geteuid();
    account.gid = getegid();
    if (account.uid != 0) {
        return account;
    }
    const passwd* entry = getpwnam(account_name);
    if (entry == nullptr || entry->pw_uid == 0) {
        throw Error(
            ErrorKind::refused,
            "no_account",
            "PostgreSQL doesn't run as root, and there is no account `postgres` to run it as",
            "apt install postgresql, or run tapline-central as an ordinary user"
        );
    }
    account = {entry->pw_uid, entry->pw_gid, {}, account_name, true};
    int count = 64;
    account.groups.resize(static_cast<std::size_t>(count));
    if (getgrouplist(account_name, account.gid, account.groups.data(), &count) < 0) {
        account.groups.resize(static_cast<std::size_t>(count));
        getgrouplist(account_name, account.gid, account.groups.data(), &count);
    }
    account.groups.resize(static_cast<std::size_t>(count));
    return account;
}

fs::path postgres_programs(const std::string& major) {
    if (!major.empty()) {
        fs::path wanted = fs::path(debian_root) / major / "bin";
        if (has_programs(wanted)) {
            return wanted;
        }
    }
    fs::path found = major.empty() ? newest_installed() : fs::path();
    if (found.empty()) {
        found = on_path();
    }
    if (found.empty()) {
        const std::string package = major.empty() ? "postgresql" : "postgresql-" + major;
        throw Error(
            ErrorKind::refused,
            "no_postgresql",
            fmt::format("PostgreSQL's programs are not installed ({}/*/bin, PATH)", debian_root),
            fmt::format("apt install {}", package)
        );
    }
    return found;
}

pid_t spawn(const Spawn& what, const Account& account) {
    std::vector<char*> arguments;
    for (const std::string& argument : what.arguments) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    const char* log = what.log.empty() ? "/dev/null" : what.log.c_str();
    const int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const pid_t parent = getpid();
    const pid_t child = fork_or_throw();
    if (child != 0) {
        if (log_fd >= 0) {
            close(log_fd);
        }
        return child;
    }
    setsid();
    const int null_fd = open("/dev/null", O_RDONLY);
    dup2(null_fd, STDIN_FILENO);
    dup2(log_fd, STDOUT_FILENO);
    dup2(log_fd, STDERR_FILENO);
    // Sockets and lock files of ours must not live on in a server that outlives us.
    for (int fd = STDERR_FILENO + 1; fd < 1024; ++fd) {
        close(fd);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (!become(account) || chdir("/") != 0) {
        _exit(exec_failed);
    }
    // After the change of user: the kernel forgets the death signal there.
    if (what.death_signal != 0) {
        prctl(PR_SET_PDEATHSIG, what.death_signal);
        if (getppid() != parent) {
            _exit(exec_failed);
        }
    }
    execv(arguments[0], arguments.data());
    _exit(exec_failed);
}

int run(const Spawn& what, const Account& account) {
    return wait_for(spawn(what, account));
}

bool can_enter(const fs::path& directory, const Account& account) {
    const std::string path = directory.string();
    const pid_t child = fork_or_throw();
    if (child == 0) {
        _exit(become(account) && access(path.c_str(), X_OK) == 0 ? 0 : 1);
    }
    return wait_for(child) == 0;
}

std::vector<pid_t> processes_in(const fs::path& directory) {
    std::vector<pid_t> found;
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc", ignored)) {
        const int pid = major_of(entry.path());
        std::error_code unreadable;
        // A zombie has no working directory any more.
        if (pid > 0 && fs::read_symlink(entry.path() / "cwd", unreadable) == directory) {
            found.push_back(pid);
        }
    }
    return found;
}

std::string tail(const fs::path& file, std::size_t bytes) {
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in) {
        return {};
    }
    const std::streamoff size = in.tellg();
    const std::streamoff start =
        std::max<std::streamoff>(0, size - static_cast<std::streamoff>(bytes));
    std::string text(static_cast<std::size_t>(size - start), '\0');
    in.seekg(start);
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    return text;
}

}  // namespace tapline::pg
