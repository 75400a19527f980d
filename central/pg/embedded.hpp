// A private PostgreSQL in a directory, run from the installed programs: for the demo, for a bar
// without a database server, for tests. It holds money: fsync, full_page_writes and checksums are
// on.
//
//   DIR/data           the cluster (made with initdb in data.new, then renamed)
//   DIR/socket         its Unix socket, mode 0700; it listens on nothing else. Where the path is
//   too
//                      long for a socket (107 bytes), a short directory under /run or TMPDIR
//                      instead
//   DIR/postgres.log   the server's own log
//   DIR/database_url   for other programs, mode 0600
//   DIR/lock           held by the central that serves with it
//   DIR/setup_pending  there until setup_done(): a first start that was killed is finished by the
//   next
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include <sys/types.h>

#include "central/pg/process.hpp"

namespace tapline::pg {

class EmbeddedServer {
  public:
    /// Makes the cluster if there is none, attaches to a living postmaster or starts one, makes the
    /// database `tapline`. Blocks until it answers (crash recovery included, at most two minutes).
    /// Throws Error: refused/"embedded_directory" (a parent can't be entered by `postgres`, not a
    /// directory of ours), refused/"embedded_in_use" (another central holds it), refused/
    /// "no_postgresql", storage/"embedded_initdb", unreachable/"embedded_start".
    explicit EmbeddedServer(const std::filesystem::path& directory);
    /// Leaves the server running: only stop() ends it.
    ~EmbeddedServer();
    EmbeddedServer(const EmbeddedServer&) = delete;
    EmbeddedServer& operator=(const EmbeddedServer&) = delete;

    /// True from the initdb on until setup_done(), also across a kill.
    [[nodiscard]] bool is_new() const noexcept { return is_new_; }

    void setup_done();

    /// For ConnectOptions::url.
    [[nodiscard]] const std::string& url() const noexcept { return url_; }

    [[nodiscard]] bool running() const;

    enum class State {
        running,    ///< it was there
        restarted,  ///< it was gone and answers again
        down,       ///< it is gone and this call didn't bring it back; call again
    };

    /// Call every second from a thread that may block. Never throws for what the server does: tries
    /// again with pauses of 1, 2, 4 … 30 s and logs why.
    State ensure_running();

    /// Fast shutdown: sessions are ended, everything committed is on disk. Waits at most 60 s.
    void stop();

    [[nodiscard]] pid_t postmaster() const { return postmaster_pid(); }

  private:
    void take_lock();
    void prepare_directory();
    void make_cluster();
    void start();
    [[nodiscard]] bool start_once(std::string& why);
    void wait_for_orphans() const;
    void make_database();
    /// A postmaster that this process started and that ended; one that it attached to isn't its
    /// child.
    void reap() noexcept;
    [[nodiscard]] pid_t postmaster_pid() const;
    [[nodiscard]] pid_t launch() const;
    [[nodiscard]] std::string url_for(const std::string& database) const;

    std::filesystem::path directory_;
    std::filesystem::path data_;
    std::filesystem::path socket_;
    std::filesystem::path log_;
    std::filesystem::path programs_;
    Account account_;
    std::string url_;
    int port_ = 0;
    int lock_fd_ = -1;
    pid_t child_ = 0;  ///< the postmaster, when this process started it
    bool is_new_ = false;
    int failed_starts_ = 0;
    std::chrono::steady_clock::time_point next_start_{};
};

}  // namespace tapline::pg
