#include "agent/salvage/salvage.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <system_error>
#include <thread>

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <fmt/format.h>

#include "agent/journal/backup.hpp"
#include "agent/journal/checkpoint.hpp"
#include "agent/journal/file_lock.hpp"
#include "agent/journal/inspect.hpp"
#include "agent/journal/owner.hpp"
#include "agent/journal/stable_copy.hpp"
#include "agent/journal/wal_file.hpp"
#include "agent/journal/wal_mode.hpp"
#include "agent/salvage/new_journal.hpp"
#include "agent/salvage/scan.hpp"
#include "common/error.hpp"
#include "common/sha256.hpp"
#include "common/test_hook.hpp"

namespace tapline::salvage {

namespace {

namespace fs = std::filesystem;

/// As often as the tap may pour between the copy and the lock.
constexpr int attempts = 5;
constexpr std::chrono::milliseconds pause_between_attempts{300};
/// Copy, new journal, its way through the -wal.
constexpr std::uintmax_t copies_needed = 4;
constexpr std::uintmax_t spare_bytes = 1U << 20U;
constexpr int checkpoint_attempts = 20;

void tell(const SalvageOptions& options, std::string_view stage) {
    if (options.progress) {
        options.progress(stage);
    }
}

std::uintmax_t size_of(const fs::path& file) {
    std::error_code missing;
    const auto size = fs::file_size(file, missing);
    return missing ? 0 : size;
}

void check_room(const fs::path& file) {
    struct statvfs system {};

    if (::statvfs(file.parent_path().c_str(), &system) != 0) {
        return;  // the copy itself will say what is wrong
    }
    const auto free_bytes = static_cast<std::uintmax_t>(system.f_bavail) * system.f_frsize;
    const auto needed =
        copies_needed * (size_of(file) + size_of(file.string() + "-wal")) + spare_bytes;
    if (free_bytes < needed) {
        throw Error(
            ErrorKind::storage_full,
            "disk_full",
            fmt::format(
                "{}: {} bytes are free, {} are needed",
                file.parent_path().string(),
                free_bytes,
                needed
            ),
            "Nothing was changed. Make room, then run this again."
        );
    }
}

/// In a kept directory whose salvage came to its end; others are of killed ones.
constexpr const char* replaced_mark = "replaced";
/// So many killed ones fill a card all the same.
constexpr std::size_t most_cut = 5;

std::string kept_prefix(const fs::path& file) {
    return file.filename().string() + ".tapline-damaged-";
}

void check_kept(const fs::path& file, std::size_t most) {
    std::error_code unreadable;
    std::size_t kept = 0;
    std::size_t cut = 0;
    for (const auto& entry : fs::directory_iterator(file.parent_path(), unreadable)) {
        if (entry.path().filename().string().starts_with(kept_prefix(file))) {
            ++(fs::exists(entry.path() / replaced_mark) ? kept : cut);
        }
    }
    if (kept >= most || kept + cut >= most + most_cut) {
        throw Error(
            ErrorKind::refused,
            "too_many_kept",
            fmt::format("{} was salvaged {} times already", file.string(), kept),
            "The card is dying: change it. `tapline-agent journal salvage` goes on by hand."
        );
    }
}

fs::path kept_name(const fs::path& file) {
    const auto base = file.string() + ".tapline-damaged-" + journal::utc_stamp();
    fs::path name = base;
    for (int number = 2; fs::exists(name); ++number) {
        name = fmt::format("{}-{}", base, number);
    }
    return name;
}

std::string sha256_of(const fs::path& file) {
    Sha256 digest;
    std::ifstream stream(file, std::ios::binary);
    std::array<char, 65536> block{};
    while (stream.read(block.data(), block.size()) || stream.gcount() > 0) {
        digest.add({block.data(), static_cast<std::size_t>(stream.gcount())});
    }
    return to_hex(digest.finish());
}

/// One run of a killed salvage after the other would fill the card.
class Discard {
  public:
    explicit Discard(fs::path path) : path_(std::move(path)) {}

    ~Discard() {
        std::error_code ignored;
        if (!path_.empty()) {
            fs::remove_all(path_, ignored);
        }
    }

    Discard(const Discard&) = delete;
    Discard& operator=(const Discard&) = delete;

    void keep() { path_.clear(); }

    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

/// SQLite deletes a -wal beside an empty file, and takes it where the file has one page, whatever
/// stands on it. A page of zeros loses nothing, and a kill behind it leaves less to be lost.
void give_first_page(const fs::path& file) {
    constexpr std::uintmax_t page = 4096;
    if (journal::has_orphaned_wal(file)) {
        fs::resize_file(file, page);
    }
}

/// What one copy of the file tells.
struct Examined {
    SalvageReport report;
    PourLayout layout = pour_layout();
    Found found;
    Verdict verdict;
};

void take_identity(Found& found, const SalvageOptions& options) {
    if (found.identity || options.journal_id.empty()) {
        return;
    }
    found.identity.emplace();
    found.identity->journal_id = options.journal_id;
    for (const auto& hash : found.hashes) {
        found.identity->epoch = std::max(found.identity->epoch, hash.epoch);
    }
}

void fill(SalvageReport& report, const Examined& examined) {
    const auto& found = examined.found;
    const auto& verdict = examined.verdict;
    report.journal_id = found.identity ? found.identity->journal_id : std::string();
    report.new_identity = !found.identity;
    report.pages = found.pages;
    report.lost_pages = found.lost_pages;
    report.whole = static_cast<std::int64_t>(verdict.whole.size()) - verdict.noted;
    report.noted = verdict.noted;
    report.proven = verdict.proven;
    report.settled_through = verdict.settled.seq;
    report.to_send = verdict.to_send;
    report.doubtful = static_cast<std::int64_t>(verdict.doubtful.size());
    report.doubts = verdict.doubts;
    report.missing = verdict.missing;
    report.top = verdict.top;
    report.extras = found.extras;
}

[[noreturn]] void refuse_stranger(const fs::path& file) {
    throw Error(
        ErrorKind::refused,
        "not_adopted",
        fmt::format("{} holds no trace of a journal of tapline's", file.string()),
        "Nothing was changed. Keep the file. Salvage is for adopted journals; of one of the tap's "
        "own releases the developers can save what is left."
    );
}

Examined examine(const fs::path& file, Pages& pages, const SalvageOptions& options) {
    Examined examined;
    auto& found = examined.found;
    found = scan(pages, examined.layout);
    if (!found.identity && found.rows.empty() && found.hashes.empty()) {
        refuse_stranger(file);
    }
    take_identity(found, options);
    const auto read = [&](const FoundRow& row) -> std::optional<RawPour> {
        auto pour = read_row(pages, examined.layout, found, row);
        return pour ? std::optional(std::move(pour->pour)) : std::nullopt;
    };
    examined.verdict = judge(found, read);
    examined.report.revision = revision_of(found, examined.layout);
    fill(examined.report, examined);
    return examined;
}

constexpr std::string_view sql_pours = "SELECT count(*) FROM pours";
constexpr std::string_view sql_last = "SELECT max(seq) FROM pours";

/// The agent doesn't sync each of its own commits (database.hpp), so a power cut may leave any of
/// their frames and tear others. Where SQLite, which ends at the first torn one, sees every pour
/// that stands behind it too, only statuses and the cursor are lost, which central tells again.
bool is_torn_tail(const Examined& examined, const journal::StableCopy& copy, const Pages& pages) {
    const auto& verdict = examined.verdict;
    const bool only_frames = pages.findings().size() == 1 && journal::has_broken_frames(copy.wal());
    const bool all_known = examined.found.identity && examined.found.lost_pages == 0 &&
                           verdict.doubtful.empty() && verdict.missing == 0;
    if (!only_frames || !all_known) {
        return false;
    }
    // The noted ones are pours in the file, too.
    journal::Database database(copy.main());
    return database.integer(sql_pours) == static_cast<std::int64_t>(verdict.whole.size()) &&
           database.integer(sql_last) == verdict.top;
}

/// One reading of the file, and the journal that was made of it.
struct Made {
    std::unique_ptr<journal::StableCopy> copy;
    SalvageReport report;
    std::unique_ptr<Discard> scratch;  ///< the new journal; none when there is nothing to do
    std::unique_ptr<Discard> kept;     ///< the damaged files, until they are to stay
    fs::path kept_at;
    std::chrono::milliseconds took{0};
};

[[noreturn]] void refuse_busy(const std::string& what) {
    throw Error(
        ErrorKind::storage_busy,
        "busy_tap",
        what,
        "Nothing has changed. Stop the tap's program and run this again with --writer-stopped."
    );
}

class Salvage {
  public:
    Salvage(fs::path file, const SalvageOptions& options)
        : file_(std::move(file)), options_(options) {}

    SalvageReport run();

  private:
    [[nodiscard]] std::optional<SalvageReport> attempt(bool last);
    [[nodiscard]] Made make(std::string_view name);
    [[nodiscard]] bool replace(Made& made, bool last);
    void finish();

    fs::path file_;
    const SalvageOptions& options_;
};

SalvageReport Salvage::run() {
    for (int number = 1; number <= attempts; ++number) {
        if (auto report = attempt(number == attempts)) {
            return *std::move(report);
        }
        std::this_thread::sleep_for(pause_between_attempts);
    }
    refuse_busy(fmt::format("{} changed while its write lock was held", file_.string()));
}

/// nullopt: the tap poured meanwhile.
std::optional<SalvageReport> Salvage::attempt(bool last) {
    auto made = make("new");
    if (!made.scratch) {
        return std::move(made.report);
    }
    test_stop_at("salvage.kept");
    tell(options_, "put it in place");
    if (!replace(made, last)) {
        return std::nullopt;
    }
    made.kept->keep();
    std::ofstream(made.kept_at / replaced_mark).flush();
    test_stop_at("salvage.replaced");
    finish();
    made.report.changed = true;
    return std::move(made.report);
}

Made Salvage::make(std::string_view name) {
    const auto begun = std::chrono::steady_clock::now();
    tell(options_, "copy");
    Made made;
    made.copy = std::make_unique<journal::StableCopy>(file_);
    const auto& copy = *made.copy;
    give_first_page(copy.main());
    tell(options_, "check");
    const auto findings = journal::damage_of(copy.main(), file_);
    fs::remove(copy.main().string() + "-shm");
    tell(options_, "look at every page");
    Pages pages(copy.main());
    if (findings.empty() && pages.findings().empty()) {
        return made;
    }
    auto examined = examine(file_, pages, options_);
    if (findings.empty() && is_torn_tail(examined, copy, pages)) {
        return made;
    }
    auto& report = made.report;
    report = examined.report;
    report.damaged = true;
    report.findings = examined.found.findings;
    report.findings.insert(report.findings.end(), findings.begin(), findings.end());
    if (options_.dry_run) {
        return made;
    }
    report.kept = kept_name(file_);
    report.kept_sha256 = sha256_of(copy.main());
    tell(options_, "write the new journal");
    // What a killed run leaves is removed by a later StableCopy.
    const auto into =
        file_.parent_path() / fmt::format(".{}.tapline-copy-{}", file_.filename().string(), name);
    fs::remove(into);
    made.scratch = std::make_unique<Discard>(into);
    write_journal(
        into,
        {pages, examined.layout, examined.found, examined.verdict, report.revision, encode(report)}
    );
    test_stop_at("salvage.made");
    made.copy->keep_as(*report.kept);
    made.kept = std::make_unique<Discard>(*report.kept);
    made.kept_at = *report.kept;
    made.took =
        std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
    return made;
}

/// The last time what the tap has poured meanwhile is read again under the lock.
bool Salvage::replace(Made& made, bool last) {
    journal::OpenOptions whatever;
    whatever.as_empty = true;
    journal::Database target(file_, whatever);
    journal::Database source(made.scratch->path());
    const auto ready = [&] {
        test_stop_at("salvage.locked");
        if (made.copy->still_so()) {
            return true;
        }
        if (!last) {
            return false;
        }
        if (options_.deadline && made.took > *options_.deadline / 2) {
            refuse_busy(fmt::format(
                "{}: the tap poured each time while it was read, which takes {} ms",
                file_.string(),
                made.took.count()
            ));
        }
        auto again = make("again");
        if (!again.scratch) {
            return false;
        }
        journal::Database fresh(again.scratch->path());
        const auto always = [] { return true; };
        const bool taken = source.overwrite(fresh, always, std::nullopt);
        std::swap(made.kept, again.kept);
        std::swap(made.kept_at, again.kept_at);
        made.report = again.report;
        return taken;
    };
    try {
        return target.overwrite(source, ready, options_.deadline);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::storage_busy) {
            throw;
        }
        refuse_busy(error.what());
    }
}

/// Behind frames that don't add up a -wal is lost with the next power cut: out of it at once. A
/// file without a -wal, taken for empty, came out of WAL mode, which it had before.
void Salvage::finish() {
    journal::sync_file(file_.string() + "-wal");
    journal::Database database(file_);
    journal::switch_to_wal(database);
    journal::Checkpointer checkpointer(database);
    for (int number = 0; number < checkpoint_attempts && checkpointer.run() > 0; ++number) {
        std::this_thread::sleep_for(pause_between_attempts);
    }
}

}  // namespace

SalvageReport salvage(const fs::path& file, const SalvageOptions& options) {
    const auto real = journal::real_journal_path(file);
    if (!fs::exists(real)) {
        throw Error(
            ErrorKind::usage,
            "no_such_file",
            fmt::format("{}: there is no such file", real.string()),
            "Check the path."
        );
    }
    journal::become_owner(real);
    if (options.dry_run) {
        return Salvage(real, options).run();
    }
    check_room(real);
    const journal::FileLock lock(real);
    if (options.max_kept) {
        check_kept(real, *options.max_kept);
    }
    give_first_page(real);
    return Salvage(real, options).run();
}

}  // namespace tapline::salvage
