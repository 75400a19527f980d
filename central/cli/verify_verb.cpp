// verify-migrations: every revision up, down and up again in a scratch database, for a CI.
#include <algorithm>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/catalog/expectation.hpp"
#include "central/catalog/finding_json.hpp"
#include "central/catalog/read.hpp"
#include "central/catalog/scratch.hpp"
#include "central/catalog/snapshot_file.hpp"
#include "central/cli/private_server.hpp"
#include "central/cli/revision_options.hpp"
#include "central/revision/plan_set.hpp"
#include "central/revision/step.hpp"

namespace tapline::cli {

namespace {

using Findings = std::vector<catalog::Finding>;

struct Verdict {
    std::string id;
    std::string lineage;
    bool reversible = true;
    Findings after_down;   ///< what the downgrade leaves other than it was before the upgrade
    Findings after_again;  ///< what the second upgrade makes other than the first
};

/// Runs in a database of its own, so nothing but its own order matters.
class Verification {
  public:
    Verification(const revision::LineageSet& set, const pg::ConnectOptions& server)
        : set_(set),
          scratch_(server),
          session_(scratch_.connect()),
          heads_(set.size()),
          state_(scratch_.connect(), session_) {
        options_.connect = scratch_.connect();
        options_.discard_rows = true;
        revision::Ledger ledger(session_);
        revision::HalfDoneLedger half_done(session_);
        pg::Transaction transaction(session_);
        for (const revision::DatabaseLineage& one : set_) {
            ledger.bootstrap(one.name);
        }
        half_done.bootstrap();
        transaction.commit();
    }

    [[nodiscard]] Verdict verify(const revision::PartStep& step) {
        const revision::DatabaseLineage& one = set_[step.part];
        Verdict verdict{step.step.id, std::string(revision::to_string(one.name)), true, {}, {}};
        verdict.reversible = !one.lineage.at(step.step.id).irreversible;
        const std::vector<std::string> below = heads_[step.part];
        const revision::Step down{step.step.id, revision::Direction::downgrade, below};
        const catalog::Catalog before = catalog::read_catalog(session_);
        run(step.part, step.step);
        if (verdict.reversible) {
            const catalog::Catalog up = catalog::read_catalog(session_);
            run(step.part, down);
            verdict.after_down = catalog::compare(before, catalog::read_catalog(session_));
            if (!verdict.after_down.empty()) {
                return verdict;  // on top of what it left the upgrade would only stumble
            }
            run(step.part, step.step);
            verdict.after_again = catalog::compare(up, catalog::read_catalog(session_));
        }
        return verdict;
    }

    /// Against the snapshots in the tree.
    [[nodiscard]] Findings drift(const std::string& directory) const {
        catalog::CheckOptions check;
        check.connect = scratch_.connect();
        if (!directory.empty()) {
            check.directory = directory;
        }
        return catalog::check_database(set_, check);
    }

  private:
    void run(std::size_t part, const revision::Step& step) {
        revision::StepRunner(session_, options_, set_[part], step, heads_[part], state_).run();
        heads_[part] = step.heads_after;
    }

    const revision::LineageSet& set_;
    catalog::ScratchDatabase scratch_;
    pg::Session session_;
    revision::RunOptions options_;
    revision::AppliedHeads heads_;
    revision::RunState state_;
};

nlohmann::ordered_json findings_of(const Findings& findings) {
    return nlohmann::ordered_json::parse(catalog::findings_json(findings)).at("findings");
}

std::string verdict_text(const Verdict& verdict) {
    if (!verdict.reversible) {
        return fmt::format("{} ({}): up; it has no way back\n", verdict.id, verdict.lineage);
    }
    if (verdict.after_down.empty() && verdict.after_again.empty()) {
        return fmt::format("{} ({}): up, down, up: the same\n", verdict.id, verdict.lineage);
    }
    std::string text;
    if (!verdict.after_down.empty()) {
        text += fmt::format(
            "{} ({}): the downgrade doesn't bring back what was there before\n{}",
            verdict.id,
            verdict.lineage,
            catalog::findings_text(verdict.after_down)
        );
    }
    if (!verdict.after_again.empty()) {
        text += fmt::format(
            "{} ({}): the second upgrade makes something else than the first\n{}",
            verdict.id,
            verdict.lineage,
            catalog::findings_text(verdict.after_again)
        );
    }
    return text;
}

/// Whether drift() compared with something that somebody has reviewed.
bool snapshots_of_heads(const revision::LineageSet& set, const std::string& directory) {
    std::optional<std::filesystem::path> root;
    if (!directory.empty()) {
        root = directory;
    }
    return std::all_of(set.begin(), set.end(), [&](const revision::DatabaseLineage& one) {
        return catalog::find_snapshot(root, one.name, one.lineage.heads()).has_value();
    });
}

void verify_migrations(Context& context, const RevisionOptions& options) {
    const revision::LineageSet set = options.load();
    const auto steps = revision::plan_set(
        set, revision::AppliedHeads(set.size()), revision::Direction::upgrade, "heads"
    );
    std::optional<PrivateServer> server;
    Verification verification(set, server_or_private(context, server));
    bool good = true;
    bool all = true;
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const revision::PartStep& step : steps) {
        const Verdict verdict = verification.verify(step);
        good = good && verdict.after_down.empty() && verdict.after_again.empty();
        list.push_back(
            {{"id", verdict.id},
             {"lineage", verdict.lineage},
             {"reversible", verdict.reversible},
             {"after_downgrade", findings_of(verdict.after_down)},
             {"after_upgrade_again", findings_of(verdict.after_again)}}
        );
        if (!context.json) {
            std::cout << verdict_text(verdict) << std::flush;
        }
        if (!verdict.after_down.empty()) {
            all = step.step.id == steps.back().step.id;
            break;
        }
    }
    const Findings drift = good ? verification.drift(options.directory) : Findings{};
    std::string last = all ? "" : "what comes after it wasn't tried\n";
    if (good) {
        last = drift.empty()
                   ? (snapshots_of_heads(set, options.directory)
                          ? "the result is what the snapshots say\n"
                          : "up, down and up; there is no snapshot of the heads to compare with\n")
                   : "the result isn't what the snapshots say:\n" + catalog::findings_text(drift);
    }
    print(context, {{"revisions", list}, {"findings", findings_of(drift)}}, last);
    context.exit_code = good && drift.empty() ? 0 : 1;
}

}  // namespace

void add_verify_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<RevisionOptions>();
    CLI::App* verb = add_revision_verb(
        app,
        context,
        "verify-migrations",
        "run every revision up, down and up in a scratch database, and compare; 1 when one differs",
        *options
    );
    add_database_options(*verb, context);
    verb->footer(
        "Examples:\n  tapline-central verify-migrations\n"
        "  tapline-central verify-migrations --dir migrations/postgres --json\n"
        "The scratch database is made on the server of DATABASE_URL, else on a private one, and "
        "dropped."
    );
    verb->callback([&context, options] { verify_migrations(context, *options); });
}

}  // namespace tapline::cli
