// A tap's program opens its journal by a relative name: started in another directory it makes a
// second one there, whose pours reach nobody.
#include <array>
#include <map>
#include <set>

#include <sys/stat.h>

#include <fmt/format.h>

#include "agent/doctor/looks.hpp"
#include "agent/journal/probe.hpp"
#include "common/clock.hpp"
#include "common/log.hpp"

namespace fs = std::filesystem;

namespace tapline::doctor {

namespace {

constexpr std::size_t max_directories = 4'000;
constexpr std::size_t max_named = 8;
constexpr std::chrono::seconds limit{4};
/// The field's name for it, when no journal is set.
constexpr const char* usual_name = "local_journal.db";

struct Place {
    const char* directory;
    int levels;  ///< of directories below it
};

constexpr std::array usual_places{
    Place{"/", 0},
    Place{"/root", 1},
    Place{"/home", 2},
    Place{"/opt", 2},
    Place{"/srv", 2},
    Place{"/var/lib", 1},
    Place{"/tmp", 0},
};

using FileKey = std::pair<dev_t, ino_t>;

class Search {
  public:
    Search(const Look& look, const std::vector<std::string>& journals) : look_(look) {
        for (const auto& journal : journals) {
            names_.insert(fs::path(journal).filename().string());
            if (const auto key = key_of(journal)) {
                known_.insert(*key);
            }
        }
        if (names_.empty()) {
            names_.insert(usual_name);
        }
    }

    /// shown: how a person finds the directory.
    void directory(const fs::path& real, const std::string& shown, const std::string& who) {
        if (++directories_ > max_directories) {
            return;
        }
        for (const auto& name : names_) {
            const auto key = key_of(real / name);
            if (!key || known_.contains(*key)) {
                continue;
            }
            const auto file = fs::path(shown) / name;
            if (const auto [at, is_new] = found_.try_emplace(*key, file.string(), who);
                !is_new && at->second.second.empty()) {
                at->second.second = who;
            } else if (is_new && !journal::holds_pours(real / name)) {
                found_.erase(at);
                known_.insert(*key);
            }
        }
    }

    void below(const fs::path& real, const std::string& shown, int levels) {
        directory(real, shown, "");
        if (levels == 0) {
            return;
        }
        std::error_code unreadable;
        for (const auto& entry : fs::directory_iterator(real, unreadable)) {
            if (directories_ < max_directories && entry.is_directory(unreadable) &&
                !entry.is_symlink(unreadable)) {
                const auto name = entry.path().filename();
                below(entry.path(), (fs::path(shown) / name).string(), levels - 1);
            }
        }
    }

    void working_directories() {
        for (const auto pid : look_.processes()) {
            // Through the link itself: the process may see other mounts than we do.
            const auto link = look_.at(fmt::format("/proc/{}/cwd", pid));
            std::error_code unreadable;
            const auto shown = fs::read_symlink(link, unreadable);
            if (!unreadable) {
                directory(link, shown.string(), look_.process(pid) + " works there");
            }
        }
    }

    [[nodiscard]] std::string text() const {
        std::string text;
        std::size_t named = 0;
        for (const auto& [key, stray] : found_) {
            if (++named > max_named) {
                return text + fmt::format("; {} more", found_.size() - max_named);
            }
            text += (text.empty() ? "" : "; ") + printable(stray.first);
            text += stray.second.empty() ? "" : " (" + stray.second + ")";
        }
        return text;
    }

    [[nodiscard]] bool found() const { return !found_.empty(); }

    [[nodiscard]] std::size_t directories() const { return directories_; }

  private:
    static std::optional<FileKey> key_of(const fs::path& file) {
        struct stat status {};

        const bool there = ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode);
        return there ? std::optional(FileKey(status.st_dev, status.st_ino)) : std::nullopt;
    }

    const Look& look_;
    std::set<std::string> names_;
    std::set<FileKey> known_;  ///< configured, or looked at and found to be something else
    std::map<FileKey, std::pair<std::string, std::string>> found_;  ///< file, who works there
    std::size_t directories_ = 0;
};

void look_for_strays(const Look& look, const std::vector<std::string>& journals, const Tell& tell) {
    Search search(look, journals);
    search.working_directories();
    for (const auto& journal : journals) {
        const auto home = fs::absolute(journal).parent_path();
        search.below(home, home.string(), 1);
        search.directory(home.parent_path(), home.parent_path().string(), "");
    }
    for (const auto& place : usual_places) {
        search.below(look.at(place.directory), place.directory, place.levels);
    }
    const bool found = search.found();
    tell(
        {"stray_journal",
         found ? Verdict::warn : Verdict::ok,
         found ? search.text() : fmt::format("none in {} directories", search.directories()),
         found ? "A tap's program that was started in another directory? Its pours reach nobody: "
                 "stop "
                 "it, `tapline-agent journal adopt` that file, name it in agent.toml; or rename an "
                 "old "
                 "copy."
               : "",
         ""}
    );
}

}  // namespace

Group stray_group(const Look& look, const std::vector<std::string>& journals) {
    Group group;
    group.ids = {"stray_journal"};
    group.limit = limit;
    group.look = [look, journals](const Tell& tell) { look_for_strays(look, journals, tell); };
    return group;
}

}  // namespace tapline::doctor
