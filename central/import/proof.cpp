#include "central/import/proof.hpp"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "central/catalog/read.hpp"
#include "central/import/table_data.hpp"
#include "central/pg/url.hpp"
#include "central/revision/half_done.hpp"
#include "central/revision/step.hpp"
#include "common/error.hpp"

namespace tapline::alembic {

namespace {

using Outcome = StepProof::Outcome;
using revision::Direction;

constexpr const char* theirs = "import_alembic";
constexpr const char* ours = "import_tapline";

std::string before(const std::string& id) {
    // Digits and letters only, so that it needs no quotes.
    return "import_before_" + id;
}

void drop(pg::Session& session, const std::string& name) {
    session.run(fmt::format("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", name));
}

/// The bar's part, without the version table, which each tool makes in its own words.
catalog::Catalog bars_part(catalog::Catalog whole) {
    constexpr std::string_view version_table = "table alembic_version";
    catalog::Catalog app = catalog::split(std::move(whole)).app;
    std::erase_if(app.objects, [&](const auto& each) {
        const auto belongs = [&](const std::string& name) {
            return name == version_table || name.starts_with(std::string(version_table) + " ");
        };
        return belongs(each.first) || belongs(each.second.of);
    });
    return app;
}

}  // namespace

std::string_view to_string(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::equal:
            return "equal";
        case Outcome::differs:
            return "differs";
        case Outcome::ours_fails:
            return "ours_fails";
        case Outcome::alembic_fails:
            return "alembic_fails";
        case Outcome::not_imported:
            return "not_imported";
        case Outcome::no_way_back:
            return "no_way_back";
        case Outcome::not_tried:
            return "not_tried";
    }
    return "";
}

Proof::Proof(Project& project, const revision::LineageSet& set, pg::ConnectOptions server)
    : project_(project), set_(set), server_(std::move(server)) {
    for (const char* name : {theirs, ours}) {
        pg::Session session(server_);
        drop(session, name);
        session.run(fmt::format("CREATE DATABASE {} TEMPLATE template0", name));
    }
    options_.connect = database(ours);
    options_.discard_rows = true;
    check_target();
}

Proof::~Proof() {
    project_.use(Target{});
}

pg::ConnectOptions Proof::database(const std::string& name) const {
    pg::ConnectOptions options = server_;
    options.url = pg::with_database(server_.url, name);
    return options;
}

/// An unguessable version row that Alembic stumbles over is the proof that it looks here.
void Proof::check_target() {
    const pg::DatabaseUrl url = pg::parse_database_url(server_.url, "the private server");
    TAPLINE_CHECK(url.hosts.size() == 1);
    project_.use({url.hosts.front().name, url.hosts.front().port, url.user, theirs});
    std::random_device device;
    const std::string word = fmt::format("probe{:08x}{:08x}", device(), device());
    pg::Session session(database(theirs));
    session.run("CREATE TABLE public.alembic_version (version_num varchar(32) NOT NULL)");
    set_version_rows(session, {word});
    const bool found = project_.finds(word);
    session.run("DROP TABLE public.alembic_version");
    if (!found) {
        throw Error(
            ErrorKind::refused,
            "alembic_elsewhere",
            "this project's env.py doesn't work on the database that it is given, so nothing is "
            "run "
            "online",
            "it has to take its URL from sqlalchemy.url or from DATABASE_URL (another variable: "
            "--url-variable NAME) and its version from public.alembic_version; or import with "
            "--no-verify"
        );
    }
}

void Proof::set_version_rows(pg::Session& session, const std::vector<std::string>& ids) {
    pg::Transaction transaction(session);
    session.run("DELETE FROM public.alembic_version");
    for (const std::string& id : ids) {
        session.query("INSERT INTO public.alembic_version (version_num) VALUES ($1)", id);
    }
    transaction.commit();
}

void Proof::copy(const std::string& from, const std::string& to) {
    pg::Session session(server_);
    drop(session, to);
    session.run(fmt::format("CREATE DATABASE \"{}\" TEMPLATE \"{}\"", to, from));
}

/// Our database is Alembic's again, so that what comes next is judged by itself.
void Proof::start_over_from_alembic() {
    copy(theirs, ours);
    pg::Session session(database(ours));
    pg::Transaction transaction(session);
    revision::Ledger(session).bootstrap(set_.front().name);
    revision::HalfDoneLedger(session).bootstrap();
    transaction.commit();
    set_version_rows(session, set_.front().lineage.heads_of(applied_));
}

void Proof::go_back_to_before(const std::string& id) {
    copy(before(id), theirs);
    forget(id);
    start_over_from_alembic();
}

void Proof::forget(const std::string& id) {
    for (const std::string& each : files_of(id)) {
        applied_.erase(each);
    }
}

std::vector<std::string> Proof::files_of(const std::string& id) const {
    const revision::Lineage& lineage = set_.front().lineage;
    if (lineage.find(id) == nullptr) {
        return {};
    }
    std::vector<std::string> ids{id};
    while (true) {
        const std::vector<std::string>& below = lineage.at(ids.back()).revises;
        if (below.size() != 1 || project_ids_.contains(below.front())) {
            break;
        }
        ids.push_back(below.front());
    }
    std::reverse(ids.begin(), ids.end());
    return ids;
}

bool Proof::is_empty(const std::string& id, Direction direction) const {
    const std::vector<std::string> ids = files_of(id);
    return std::all_of(ids.begin(), ids.end(), [&](const std::string& each) {
        return set_.front().lineage.at(each).section(direction).statements.empty();
    });
}

bool Proof::has_guard(const std::string& id, Direction direction) const {
    const std::vector<std::string> ids = files_of(id);
    return std::any_of(ids.begin(), ids.end(), [&](const std::string& each) {
        return is_guard(set_.front().lineage.at(each).section(direction));
    });
}

bool Proof::irreversible(const std::string& id) const {
    const revision::Revision* const found = set_.front().lineage.find(id);
    return found != nullptr && found->irreversible.has_value();
}

bool Proof::needs_copy(const std::string& id) const {
    return irreversible(id) || has_guard(id, Direction::downgrade) ||
           (is_empty(id, Direction::downgrade) && !is_empty(id, Direction::upgrade));
}

std::string Proof::run_ours(const std::string& id, Direction direction) {
    const revision::Lineage& lineage = set_.front().lineage;
    const bool up = direction == Direction::upgrade;
    std::vector<std::string> ids = files_of(id);
    if (!up) {
        std::reverse(ids.begin(), ids.end());
    }
    pg::Session session(database(ours));
    revision::RunState state(options_.connect, session);
    for (const std::string& each : ids) {
        revision::IdSet after = applied_;
        if (up) {
            after.insert(each);
        } else {
            after.erase(each);
        }
        const std::vector<std::string> heads = lineage.heads_of(applied_);
        const revision::Step step{each, direction, lineage.heads_of(after)};
        try {
            revision::StepRunner(session, options_, set_.front(), step, heads, state).run();
        } catch (const Error& error) {
            return error.what();
        }
        applied_ = std::move(after);
    }
    return {};
}

void Proof::compare(StepProof& proof) {
    pg::Session alembic(database(theirs));
    pg::Session mine(database(ours));
    const catalog::Catalog expected = catalog::read_catalog(alembic);
    proof.findings = catalog::compare(
        bars_part(expected), bars_part(catalog::read_catalog(mine, expected.owners))
    );
    DataDifferences data = compare_data(read_data(alembic), read_data(mine));
    proof.data = std::move(data.found);
    for (std::string& note : data.notes) {
        if (noted_.insert(note).second) {
            proof.notes.push_back(std::move(note));
        }
    }
    if (!proof.findings.empty() || !proof.data.empty()) {
        proof.outcome = Outcome::differs;
    }
}

StepProof Proof::up(const AlembicRevision& revision) {
    StepProof proof;
    proof.id = revision.id;
    if (needs_copy(revision.id)) {
        copy(theirs, before(revision.id));
    }
    proof.reason = project_.upgrade(revision);
    if (!proof.reason.empty()) {
        proof.outcome = Outcome::alembic_fails;
        return proof;
    }
    const std::vector<std::string> files = files_of(revision.id);
    if (files.empty() || has_guard(revision.id, Direction::upgrade)) {
        proof.outcome = Outcome::not_imported;
        proof.reason = files.empty() ? "it has no file" : "its SQL is to be written by hand";
    } else {
        proof.reason = run_ours(revision.id, Direction::upgrade);
        proof.outcome = proof.reason.empty() ? Outcome::equal : Outcome::ours_fails;
    }
    if (proof.outcome == Outcome::equal) {
        compare(proof);
    }
    if (proof.outcome != Outcome::equal) {
        applied_.insert(files.begin(), files.end());
        start_over_from_alembic();
    }
    return proof;
}

StepProof Proof::down(const AlembicRevision& revision) {
    StepProof proof;
    proof.id = revision.id;
    proof.direction = Direction::downgrade;
    const bool by_hand = has_guard(revision.id, Direction::downgrade);
    if (by_hand || irreversible(revision.id)) {
        proof.outcome = by_hand ? Outcome::not_imported : Outcome::no_way_back;
        proof.reason = by_hand ? "its SQL is to be written by hand" : "";
        go_back_to_before(revision.id);
        return proof;
    }
    {
        pg::Session session(database(theirs));
        set_version_rows(session, {revision.id});
    }
    proof.reason = project_.downgrade(revision);
    if (!proof.reason.empty()) {
        proof.outcome = Outcome::alembic_fails;
    } else if (files_of(revision.id).empty()) {
        proof.outcome = Outcome::not_imported;
        proof.reason = "it has no file";
    } else {
        proof.reason = run_ours(revision.id, Direction::downgrade);
        proof.outcome = proof.reason.empty() ? Outcome::equal : Outcome::ours_fails;
    }
    if (proof.outcome == Outcome::equal) {
        compare(proof);
    }
    if (needs_copy(revision.id)) {
        go_back_to_before(revision.id);
    } else if (proof.outcome != Outcome::equal) {
        forget(revision.id);
        start_over_from_alembic();
    }
    return proof;
}

/// Many an env.py has Alembic print `%%`.
void Proof::explain(StepProof& proof) const {
    if (proof.outcome != Outcome::differs && proof.outcome != Outcome::ours_fails) {
        return;
    }
    for (const std::string& id : files_of(proof.id)) {
        const revision::Section& section = set_.front().lineage.at(id).section(proof.direction);
        if (section.raw.find("%%") != std::string::npos) {
            proof.notes.emplace_back(
                "its SQL has %%: Alembic doubles each % unless env.py configures its offline mode "
                "with dialect_opts={\"paramstyle\": \"named\"}"
            );
            return;
        }
    }
}

std::vector<StepProof> Proof::run(
    const std::vector<AlembicRevision>& revisions, const std::function<void(const StepProof&)>& tell
) {
    std::vector<StepProof> proofs;
    revision::IdSet there;
    bool stopped = false;
    const auto add = [&](const AlembicRevision& revision, Direction direction) {
        const bool is_up = direction == Direction::upgrade;
        StepProof proof;
        proof.id = revision.id;
        proof.direction = direction;
        proof.outcome = Outcome::not_tried;
        if (!stopped && (is_up || there.contains(revision.id))) {
            proof = is_up ? up(revision) : down(revision);
            const bool failed = proof.outcome == Outcome::alembic_fails;
            if (is_up && !failed) {
                there.insert(revision.id);
            }
            stopped = failed && (is_up || !needs_copy(revision.id));
            explain(proof);
        }
        tell(proof);
        proofs.push_back(std::move(proof));
    };
    for (const AlembicRevision& each : revisions) {
        project_ids_.insert(each.id);
    }
    for (const AlembicRevision& each : revisions) {
        add(each, Direction::upgrade);
    }
    stopped = false;  // what Alembic did bring up can go down again
    for (auto each = revisions.rbegin(); each != revisions.rend(); ++each) {
        add(*each, Direction::downgrade);
    }
    return proofs;
}

}  // namespace tapline::alembic
