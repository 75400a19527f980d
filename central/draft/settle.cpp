#include "central/draft/settle.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/draft/builder.hpp"
#include "central/lint/lint.hpp"
#include "common/error.hpp"

namespace tapline::draft {

namespace {

std::string message_of(const std::string& message, Stage stage, bool only) {
    if (only || stage == Stage::main) {
        return message;
    }
    return fmt::format("{} ({})", message, to_string(stage));
}

/// Ids stay the same from one attempt to the next.
class Ids {
  public:
    explicit Ids(const SettleOptions& options) : options_(options), ids_{options.first.id} {}

    const std::string& at(std::size_t index) {
        while (ids_.size() <= index) {
            ids_.push_back(options_.fresh_id());
        }
        return ids_[index];
    }

  private:
    const SettleOptions& options_;
    std::vector<std::string> ids_;
};

std::vector<DraftFile> compose(
    const std::vector<Item>& items, const SettleOptions& options, Ids& ids
) {
    std::vector<DraftFile> files;
    std::vector<Page> pages = pages_of(items);
    for (std::size_t i = 0; i < pages.size(); ++i) {
        DraftFile file;
        file.page = std::move(pages[i]);
        file.revision = options.first;
        file.revision.id = ids.at(i);
        file.revision.message =
            message_of(options.first.message, file.page.stage, pages.size() == 1);
        if (i > 0) {
            file.revision.revises = {ids.at(i - 1)};
            file.revision.branch_labels.clear();
            file.revision.depends_on.clear();
        }
        if (!file.page.irreversible.empty()) {
            file.revision.irreversible = file.page.irreversible;
        }
        file.revision.sql = file.page.sql;
        file.file = revision::compose(file.revision);
        file.read = revision::parse(file.file, file.revision.dialect);
        files.push_back(std::move(file));
    }
    return files;
}

/// The item whose text holds that line of a file; items.size(): none.
std::size_t item_at(const DraftFile& file, int line, std::size_t none) {
    const std::string& bytes = file.file.bytes;
    const auto ends = [](const std::string& text) {
        return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    };
    const int before = ends(bytes) - ends(file.page.sql);
    const auto next = file.page.lines.upper_bound(line - before);
    return next == file.page.lines.begin() ? none : std::prev(next)->second;
}

/// "FILE:LINE: …", as lint says what PostgreSQL can't read.
bool propose_unreadable(
    std::vector<Item>& items, const std::vector<DraftFile>& files, const std::string& what
) {
    for (const DraftFile& file : files) {
        if (!what.starts_with(file.file.name + ":")) {
            continue;
        }
        const std::string rest = what.substr(file.file.name.size() + 1);
        const std::size_t item = item_at(file, std::atoi(rest.c_str()), items.size());
        if (item < items.size() && !items[item].proposed()) {
            items[item].decide = "PostgreSQL can't read what was drafted: " + rest;
            return true;
        }
    }
    return false;
}

/// Turns what blocks into proposals; false: nothing blocks.
bool propose_hazards(
    const Sides& sides, std::vector<Item>& items, const std::vector<DraftFile>& files
) {
    lint::Catalog known = sides.known;
    bool any = false;
    for (const DraftFile& file : files) {
        lint::Report report;
        try {
            report = lint::lint_revision(known, file.read);
        } catch (const Error& error) {
            if (error.code() != "sql_syntax" || !propose_unreadable(items, files, error.what())) {
                throw;
            }
            return true;
        }
        for (const lint::Finding& each : report.findings) {
            const std::size_t item = item_at(file, each.line, items.size());
            if (each.severity != lint::Severity::block || item == items.size() ||
                items[item].proposed()) {
                continue;
            }
            const bool back = each.direction == revision::Direction::downgrade;
            items[item].decide = fmt::format(
                "{}{} ({}). The safe way: {}",
                back ? "on the way back " : "",
                each.message,
                lint::to_string(each.hazard),
                each.safe_way
            );
            any = true;
        }
    }
    return any;
}

void propose_failure(
    std::vector<Item>& items, const std::vector<DraftFile>& files, const TrialFailure& failure
) {
    for (const DraftFile& file : files) {
        if (file.file.name != failure.file) {
            continue;
        }
        const std::size_t item = item_at(file, failure.line, items.size());
        if (item < items.size() && !items[item].proposed()) {
            items[item].decide = "it didn't run when it was tried: " + failure.message;
            return;
        }
    }
    throw Error(
        ErrorKind::bug,
        "draft",
        fmt::format(
            "the draft doesn't run: {} line {}: {}", failure.file, failure.line, failure.message
        ),
        "report it; nothing was written"
    );
}

/// What the files leave different and no proposal names: told, whatever the reason.
bool propose_left(std::vector<Item>& items, const std::vector<catalog::Finding>& left) {
    bool any = false;
    for (const catalog::Finding& finding : left) {
        const Word word = read_word(finding.object);
        const bool told = std::any_of(items.begin(), items.end(), [&](const Item& item) {
            if (!item.proposed()) {
                return false;
            }
            // A part of what is proposed is told by it, and so is what comes to be inside it.
            return item.object == finding.object ||
                   (!word.part_kind.empty() && item.object == word.whole());
        });
        if (told) {
            continue;
        }
        Item item{.object = finding.object, .rank = Rank::proposal};
        std::set<std::string> names;
        for (const catalog::Attributes* side : {&finding.expected, &finding.found}) {
            for (const auto& [name, value] : *side) {
                names.insert(name);
            }
        }
        item.decide = fmt::format(
            "the draft doesn't bring about that it is {} ({}): write what is missing by hand",
            finding.change == catalog::Change::removed ? "away" : "as wanted",
            fmt::join(names, ", ")
        );
        items.push_back(std::move(item));
        any = true;
    }
    return any;
}

}  // namespace

Draft settle(const Sides& sides, std::vector<Item> items, const SettleOptions& options) {
    Ids ids(options);
    bool told = false;
    while (true) {
        std::vector<DraftFile> files = compose(items, options, ids);
        if (propose_hazards(sides, items, files)) {
            put_in_order(items);
            continue;
        }
        if (options.trial && !files.empty() && !files.front().page.guarded && !told) {
            const Trial trial = options.trial(files);
            if (trial.failure) {
                propose_failure(items, files, *trial.failure);
                put_in_order(items);
                continue;
            }
            told = propose_left(items, trial.left);
            if (told) {
                continue;  // comments only: there is nothing more to try
            }
        }
        return {std::move(items), std::move(files)};
    }
}

}  // namespace tapline::draft
