#include "common/revision/digest.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "common/revision/tokens.hpp"
#include "common/row_hash.hpp"

namespace tapline::revision {
namespace {

/// `name:length:bytes` per line: no two different revisions can write the same text.
class Canonical {
  public:
    void add(std::string_view name, std::string_view value) {
        // A thousand revisions are half a million of these: plain appends.
        text_.append(name).append(":").append(fmt::format_int(value.size()).c_str());
        text_.append(":").append(value).append("\n");
    }

    /// Order says nothing in a revision's lists.
    void add(std::string_view name, std::vector<std::string> values) {
        std::sort(values.begin(), values.end());
        for (const std::string& value : values) {
            add(name, value);
        }
    }

    void add(std::string_view name, const std::optional<std::chrono::milliseconds>& duration) {
        if (duration) {
            add(name, std::to_string(duration->count()));
        }
    }

    void add(std::string_view name, const Section& section, Dialect dialect) {
        add("section", name);
        add("transaction", section.transaction ? "on" : "off");
        add("lock_timeout", section.lock_timeout);
        add("statement_timeout", section.statement_timeout);
        for (const Statement& statement : section.statements) {
            add("statement", "");
            for (const Token& token : tokenize(statement.text, dialect)) {
                if (!token.is_trivia()) {
                    add("", token.text);
                }
            }
        }
        for (const BatchStep& step : section.batches) {
            add("batch", std::to_string(step.statement));
            add("table", step.table);
            add("key", step.key);
            add("rows", std::to_string(step.rows));
            add("pause", std::to_string(step.pause.count()));
            add("until", step.until);
        }
        for (const Rebuild& rebuild : section.rebuilds) {
            add("rebuild", std::to_string(rebuild.statement));
            add("table", rebuild.table);
            add("drop", rebuild.drops);
        }
    }

    [[nodiscard]] std::string_view text() const { return text_; }

  private:
    std::string text_ = "tapline revision digest 1\n";
};

}  // namespace

std::string digest(const Revision& revision) {
    Canonical canonical;
    canonical.add("id", revision.id);
    canonical.add("revises", revision.revises);
    canonical.add("phase", to_string(revision.phase));
    canonical.add("requires journal", revision.requires_journal);
    canonical.add("requires central", revision.requires_central);
    canonical.add("branch labels", revision.branch_labels);
    canonical.add("depends on", revision.depends_on);
    if (revision.irreversible) {
        canonical.add("irreversible", *revision.irreversible);
    }
    canonical.add("upgrade", revision.upgrade, revision.dialect);
    canonical.add("downgrade", revision.downgrade, revision.dialect);
    return to_hex(sha256(canonical.text()));
}

}  // namespace tapline::revision
