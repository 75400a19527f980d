#include "agent/handover/bait.hpp"

#include <algorithm>
#include <thread>

#include <unistd.h>

#include <fmt/format.h>

#include "agent/handover/old_server.hpp"
#include "agent/handover/verdict.hpp"
#include "agent/journal/file_lock.hpp"
#include "agent/journal/owner.hpp"
#include "agent/journal/test_pour.hpp"
#include "common/clock.hpp"

namespace tapline::handover {

namespace {

using namespace std::chrono_literals;
using doctor::Tell;
using doctor::Verdict;

constexpr std::chrono::milliseconds between_looks = 100ms;
constexpr std::chrono::milliseconds connect_limit = 3s;
/// Looks at /proc, asks the old server twice, waits for the tap's locks.
constexpr std::chrono::seconds rest_limit = 60s;
constexpr std::chrono::seconds clean_up_limit = 15s;

OldServer ask_server(const std::vector<doctor::TapProgram>& programs) {
    for (const auto& program : programs) {
        if (!program.settings.server) {
            continue;
        }
        const auto address = doctor::server_address(program.settings.server->value);
        const bool there = address && takes_connections(*address, connect_limit);
        return there ? OldServer::answers : OldServer::silent;
    }
    return OldServer::not_known;
}

/// As the tap's program writes them.
std::string iso_now() {
    auto text = format_utc(system_clock().now_utc());
    if (text.ends_with('Z')) {
        text.replace(text.size() - 1, 1, "+00:00");
    }
    return text;
}

/// Until somebody marks a pour, the time is over, or whoever asked is gone.
void watch(journal::MarkWatch& marks, Evidence& evidence, std::chrono::seconds wait, pid_t asker) {
    const auto begin = std::chrono::steady_clock::now();
    while (true) {
        evidence.mark = marks.changed();
        evidence.watched = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - begin
        );
        if (evidence.mark || evidence.watched >= wait || ::getppid() != asker) {
            return;
        }
        std::this_thread::sleep_for(between_looks);
    }
}

/// It is the agent that looks at what a power cut left.
void leave_mark(journal::FileLock& lock) {
    if (lock.left_behind()) {
        lock.keep_mark();
    }
}

/// With the agent's lock. The pour is `held` when this is over.
void lay_bait(
    const std::filesystem::path& file,
    std::chrono::seconds wait,
    pid_t asker,
    Evidence& evidence,
    const Tell& tell
) {
    journal::FileLock lock(file);
    leave_mark(lock);
    tell({"lock", Verdict::ok, "free: no agent works on it", "", ""});
    journal::Database database(file);
    journal::TestPours pours(database);
    pours.hold_leftovers();
    evidence.release = journal::writer_release(database);
    journal::MarkWatch marks(database);
    const auto tap = pours.usual_tap();
    evidence.bait = pours.write_for_every_release(tap, iso_now()).seq;
    marks.add(evidence.bait);
    watch(marks, evidence, wait, asker);
    pours.hold(evidence.bait);
}

void try_it(const Trial& trial, pid_t asker, const Tell& tell) {
    const auto file = journal::real_journal_path(trial.journal);
    // What only root sees comes before root turns into the owner.
    Evidence evidence;
    evidence.programs = doctor::find_tap_programs(trial.look, file);
    evidence.server = ask_server(evidence.programs);
    journal::become_owner(file);
    lay_bait(file, trial.wait, asker, evidence, tell);
    std::erase_if(evidence.programs, [&trial](const auto& program) {
        return !trial.look.exists(fmt::format("/proc/{}", program.pid));
    });
    if (evidence.server == OldServer::answers) {
        evidence.server = ask_server(evidence.programs);
    }
    tell(judge(evidence));
}

void clean_up(const std::string& journal) {
    const auto file = journal::real_journal_path(journal);
    journal::become_owner(file);
    journal::FileLock lock(file);
    leave_mark(lock);
    journal::Database database(file);
    journal::TestPours(database).hold_leftovers();
}

}  // namespace

doctor::Group trial_group(const Trial& trial) {
    doctor::Group group;
    group.ids = {"lock", "old_loop"};
    group.subject = trial.journal;
    group.limit = trial.wait + rest_limit;
    group.needs = {"journal_file", "journal_adopted"};
    group.look = [trial, asker = ::getpid()](const Tell& tell) { try_it(trial, asker, tell); };
    return group;
}

doctor::Group clean_up_group(const std::string& journal) {
    doctor::Group group;
    group.subject = journal;
    group.limit = clean_up_limit;
    group.look = [journal](const Tell&) { clean_up(journal); };
    return group;
}

}  // namespace tapline::handover
