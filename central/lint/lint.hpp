// Lint of PostgreSQL revisions: what a statement would do to a bar that is open, before it runs.
// Pure: no database, no files. docs/lint.md is the page for people.
//
//     lint::Catalog catalog;                        // nothing known: every table exists, with rows
//     lint::apply(catalog, schema_section, "schema.sql");
//     catalog.settle();                             // what was made is in use from now on
//     lint::Report report = lint::lint_revision(catalog, revision);
//     if (report.blocks()) …
//
// Errors: Error{usage, "sql_syntax"} for what PostgreSQL 15 can't parse, naming file and line;
// Error{usage, "unknown_hazard"} for an allowance of a word that isn't in the vocabulary.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "central/lint/catalog.hpp"
#include "central/lint/hazard.hpp"
#include "central/lint/lock.hpp"
#include "common/revision/revision.hpp"

namespace tapline::lint {

/// One statement and one hazard.
struct Finding {
    std::string file;
    int line = 0;  ///< of the statement's first token
    revision::Direction direction = revision::Direction::upgrade;
    Hazard hazard = Hazard::cannot_be_checked;
    Severity severity = Severity::warn;
    std::string object;      ///< "table pours column volume_ml"; several with commas
    Lock lock = Lock::none;  ///< the statement's strongest on an existing table or index
    std::string message;     ///< what happens, to what
    std::string safe_way;    ///< what to write instead
};

/// An allowance that silenced nothing: the statement has changed, or the word is another one's.
struct UnusedAllowance {
    std::string file;
    int line = 0;
    std::string hazard;
};

/// What a statement takes on tables and indexes that are there before it, hazard or not.
struct StatementLocks {
    struct One {
        std::string table;  ///< as in Finding::object, without the schema public
        Lock lock = Lock::none;
    };

    std::size_t statement = 0;  ///< index into the section
    std::vector<One> locks;     ///< the strongest of each, by name
    std::string slow;           ///< its time grows with the rows of this; empty: short
};

struct [[nodiscard]] Report {
    std::vector<Finding> findings;  ///< by line, then in the order of the vocabulary
    std::vector<UnusedAllowance> unused;
    std::vector<StatementLocks> locks;  ///< of lint_section only, in order; not of a revision

    [[nodiscard]] bool blocks() const noexcept;
    void append(Report other);
};

struct SectionContext {
    std::string file{};  ///< for findings and errors
    revision::Direction direction = revision::Direction::upgrade;
};

/// Judges one section as the runner runs it: in one transaction, or statement by statement for
/// transaction=off. catalog: what is there before it, and afterwards what is there after it.
/// A downgrade is judged against the catalog right after its upgrade, unsettled: what the upgrade
/// made may go again, at the price of a warning.
Report lint_section(
    Catalog& catalog, const revision::Section& section, const SectionContext& context
);

/// Both sections of a revision; catalog ends as after the upgrade, settled.
Report lint_revision(Catalog& catalog, const revision::Revision& revision);

/// Only brings the catalog up to date: a schema that exists, or revisions that were applied.
/// Unknown hazards in allowances are let pass: what is applied is frozen.
void apply(Catalog& catalog, const revision::Section& section, const std::string& file);

}  // namespace tapline::lint
