#include "central/lint/lint.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/lint/remake.hpp"
#include "central/lint/statement.hpp"
#include "central/lint/transaction.hpp"
#include "common/error.hpp"
#include "common/revision/tokens.hpp"

namespace tapline::lint {

namespace {

using revision::Direction;
using revision::Section;

/// `:keys` of a batch step becomes a parameter, which PostgreSQL's grammar knows.
std::string without_keys(const std::string& sql) {
    std::string result;
    const auto tokens = revision::tokenize(sql, revision::Dialect::postgres);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i].text == ":keys") {
            result += "$1";
        } else if (tokens[i].text == ":" && i + 1 < tokens.size() && tokens[i + 1].text == "keys") {
            result += "$1";
            ++i;
        } else {
            result += tokens[i].text;
        }
    }
    return result;
}

int line_of(const std::string& text, std::size_t offset) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size()));
    return static_cast<int>(std::count(text.begin(), end, '\n'));
}

class SectionLint {
  public:
    SectionLint(Catalog& catalog, const Section& section, const SectionContext& context)
        : catalog_(catalog), section_(section), context_(context) {
        state_.open = section.transaction;
    }

    /// check: also read the allowances.
    Report run(bool check);

  private:
    struct Silence {
        std::size_t statement = 0;
        Hazard hazard = Hazard::cannot_be_checked;
        std::size_t allowance = 0;
    };

    void read_allowances();
    void check_syntax();
    void judge_one(std::size_t index);
    void report(std::size_t index, Statement& statement);
    void note_locks(std::size_t index, const Statement& statement);
    [[nodiscard]] bool silenced(std::size_t index, Hazard hazard);
    [[nodiscard]] Severity severity_of(const Draft& draft) const;

    Catalog& catalog_;
    const Section& section_;
    const SectionContext& context_;
    TransactionState state_;
    std::vector<std::vector<std::string>> remakes_;  ///< per statement, see remake.hpp
    std::multiset<std::string> made_later_;
    std::vector<Silence> silences_;
    std::set<std::size_t> used_;
    Report report_;
};

void SectionLint::read_allowances() {
    for (std::size_t i = 0; i < section_.allowances.size(); ++i) {
        const revision::Allowance& allowance = section_.allowances[i];
        const auto hazard = parse_hazard(allowance.hazard);
        if (!hazard) {
            std::vector<std::string_view> names;
            for (const HazardPolicy& each : hazard_policies()) {
                names.push_back(each.name);
            }
            throw Error(
                ErrorKind::usage,
                "unknown_hazard",
                fmt::format(
                    "{}:{}: there is no hazard '{}'",
                    context_.file,
                    allowance.line,
                    allowance.hazard
                ),
                fmt::format("one of {}", fmt::join(names, ", "))
            );
        }
        const auto& statements = section_.statements;
        const auto found = std::find_if(
            statements.begin(),
            statements.end(),
            [&](const revision::Statement& each) {
                return each.line + line_of(each.text, each.text.size()) >= allowance.line;
            }
        );
        if (found != statements.end()) {
            silences_.push_back({static_cast<std::size_t>(found - statements.begin()), *hazard, i});
        }
    }
}

void SectionLint::check_syntax() {
    for (const revision::Statement& each : section_.statements) {
        const Tree tree = Tree::parse(without_keys(each.text));
        const auto& problem = tree.problem();
        if (problem) {
            throw Error(
                ErrorKind::usage,
                "sql_syntax",
                fmt::format(
                    "{}:{}: {}",
                    context_.file,
                    each.line + line_of(each.text, problem->offset),
                    problem->message
                ),
                "correct the statement; it is read as PostgreSQL 15 reads it"
            );
        }
        auto& remakes = remakes_.emplace_back();
        for (const Node node : tree.statements()) {
            for (std::string& name : remade_by(node)) {
                if (section_.transaction || name.starts_with("setting ")) {
                    made_later_.insert(name);
                    remakes.push_back(std::move(name));
                }
            }
        }
    }
}

bool SectionLint::silenced(std::size_t index, Hazard hazard) {
    bool found = false;
    for (const Silence& each : silences_) {
        if (each.statement == index && each.hazard == hazard) {
            used_.insert(each.allowance);
            found = true;
        }
    }
    return found;
}

Severity SectionLint::severity_of(const Draft& draft) const {
    const Severity severity = draft.severity.value_or(policy(draft.hazard).severity);
    // A way back takes away what newer clients use; that is what it is for.
    const bool expected =
        context_.direction == Direction::downgrade && draft.hazard == Hazard::breaks_clients;
    return expected ? Severity::warn : severity;
}

void SectionLint::report(std::size_t index, Statement& statement) {
    std::map<Hazard, Finding> merged;
    for (const Draft& draft : statement.drafts) {
        if (silenced(index, draft.hazard)) {
            continue;
        }
        auto& finding = merged[draft.hazard];
        if (finding.message.empty()) {
            finding.file = context_.file;
            finding.line = section_.statements[index].line;
            finding.direction = context_.direction;
            finding.hazard = draft.hazard;
            finding.object = draft.object;
            finding.lock = statement.strongest();
            finding.message = draft.message;
            finding.safe_way = draft.safe_way.empty() ? std::string(policy(draft.hazard).safe_way)
                                                      : draft.safe_way;
        } else if (finding.object.find(draft.object) == std::string::npos) {
            finding.object += ", " + draft.object;
        }
        finding.severity = std::max(finding.severity, severity_of(draft));
    }
    for (auto& each : merged) {
        report_.findings.push_back(std::move(each.second));
    }
}

void SectionLint::note_locks(std::size_t index, const Statement& statement) {
    std::map<std::string, Lock> strongest;
    for (const TableLock& each : statement.locks) {
        Lock& lock = strongest[each.table];
        lock = std::max(lock, each.lock);
    }
    StatementLocks& noted = report_.locks.emplace_back();
    noted.statement = index;
    noted.slow = statement.slow;
    for (const auto& [table, lock] : strongest) {
        noted.locks.push_back({table, lock});
    }
}

/// A tree is many times as large as its text, so each is made again and only one is held.
void SectionLint::judge_one(std::size_t index) {
    const Tree tree = Tree::parse(without_keys(section_.statements[index].text));
    for (const Node node : tree.statements()) {
        const bool alone = !state_.open;
        if (alone) {
            state_ = TransactionState{};
            state_.open = false;
        }
        Statement statement(catalog_, state_);
        statement.undo = context_.direction == Direction::downgrade;
        statement.made_later = &made_later_;
        statement.batched =
            std::any_of(section_.batches.begin(), section_.batches.end(), [&](const auto& each) {
                return each.statement == index;
            });
        judge_names(statement, section_.statements[index].text);
        judge(statement, node);
        report(index, statement);
        note_locks(index, statement);
    }
    for (const std::string& name : remakes_[index]) {
        made_later_.erase(made_later_.find(name));
    }
}

Report SectionLint::run(bool check) {
    if (check) {
        read_allowances();
    }
    check_syntax();
    for (std::size_t i = 0; i < section_.statements.size(); ++i) {
        judge_one(i);
    }
    for (std::size_t i = 0; check && i < section_.allowances.size(); ++i) {
        if (!used_.contains(i)) {
            const revision::Allowance& allowance = section_.allowances[i];
            report_.unused.push_back({context_.file, allowance.line, allowance.hazard});
        }
    }
    return std::move(report_);
}

}  // namespace

bool Report::blocks() const noexcept {
    return std::any_of(findings.begin(), findings.end(), [](const Finding& each) {
        return each.severity == Severity::block;
    });
}

void Report::append(Report other) {
    std::move(other.findings.begin(), other.findings.end(), std::back_inserter(findings));
    std::move(other.unused.begin(), other.unused.end(), std::back_inserter(unused));
}

Report lint_section(Catalog& catalog, const Section& section, const SectionContext& context) {
    return SectionLint(catalog, section, context).run(true);
}

Report lint_revision(Catalog& catalog, const revision::Revision& revision) {
    Report report = lint_section(catalog, revision.upgrade, {revision.file, Direction::upgrade});
    Catalog downgraded = catalog;
    report.append(
        lint_section(downgraded, revision.downgrade, {revision.file, Direction::downgrade})
    );
    catalog.settle();
    return report;
}

void apply(Catalog& catalog, const Section& section, const std::string& file) {
    const SectionContext context{file, Direction::upgrade};
    (void)SectionLint(catalog, section, context).run(false);
}

}  // namespace tapline::lint
