#include "central/cli/import_report.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "central/catalog/finding_json.hpp"

namespace tapline::cli {

namespace {

using alembic::Half;
using alembic::StepProof;
using Outcome = alembic::StepProof::Outcome;

bool does_something(const Half& half) {
    return !half.pieces.empty() || !half.problem.empty();
}

std::string state_of(const Half& half, const std::string& otherwise) {
    if (!half.problem.empty()) {
        return "not_rendered";
    }
    if (!half.irreversible.empty()) {
        return "irreversible";
    }
    return half.pieces.empty() ? "empty" : otherwise;
}

nlohmann::ordered_json half_json(const Half& half) {
    nlohmann::ordered_json json{{"state", state_of(half, "rendered")}};
    const std::string& reason = half.problem.empty() ? half.irreversible : half.problem;
    if (!reason.empty()) {
        json["reason"] = reason;
    }
    return json;
}

/// In words what the outcome means; its reason comes behind.
std::string_view words(Outcome outcome) {
    switch (outcome) {
        case Outcome::equal:
            return "the same";
        case Outcome::differs:
            return "makes something else than Alembic";
        case Outcome::ours_fails:
            return "fails here";
        case Outcome::alembic_fails:
            return "Alembic itself fails";
        case Outcome::not_imported:
            return "not imported";
        case Outcome::no_way_back:
            return "irreversible in Alembic, too";
        case Outcome::not_tried:
            return "not tried";
    }
    return {};
}

std::string indented(const std::string& text) {
    std::string result = "  ";
    for (std::size_t i = 0; i < text.size(); ++i) {
        result += text[i];
        if (text[i] == '\n' && i + 1 < text.size()) {
            result += "  ";
        }
    }
    return result;
}

}  // namespace

std::vector<MissingStep> missing_steps(const std::vector<ImportedFiles>& all) {
    std::vector<MissingStep> missing;
    for (const ImportedFiles& each : all) {
        const std::string& id = each.revision.facts.id;
        if (!each.revision.upgrade.problem.empty()) {
            missing.push_back({id, revision::Direction::upgrade, each.revision.upgrade.problem});
        }
        if (!each.revision.downgrade.problem.empty()) {
            missing.push_back({id, revision::Direction::downgrade, each.revision.downgrade.problem}
            );
        }
    }
    return missing;
}

nlohmann::ordered_json missing_json(const std::vector<MissingStep>& missing) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const MissingStep& each : missing) {
        list.push_back(
            {{"id", each.id},
             {"direction", revision::to_string(each.direction)},
             {"reason", each.reason}}
        );
    }
    return list;
}

std::string missing_text(const std::vector<MissingStep>& missing) {
    std::string text;
    for (const MissingStep& each : missing) {
        text +=
            fmt::format("{} {}: {}\n", revision::to_string(each.direction), each.id, each.reason);
    }
    return text;
}

nlohmann::ordered_json revisions_json(const std::vector<ImportedFiles>& all) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const ImportedFiles& each : all) {
        const alembic::AlembicRevision& facts = each.revision.facts;
        list.push_back(
            {{"id", facts.id},
             {"revises", facts.revises},
             {"depends_on", facts.depends_on},
             {"labels", facts.labels},
             {"message", facts.message},
             {"files", each.files},
             {"upgrade", half_json(each.revision.upgrade)},
             {"downgrade", half_json(each.revision.downgrade)},
             {"allowed", each.allowed}}
        );
    }
    return list;
}

std::string revisions_text(const std::vector<ImportedFiles>& all) {
    std::string text;
    for (const ImportedFiles& each : all) {
        const alembic::AlembicRevision& facts = each.revision.facts;
        if (each.files.size() > 1) {
            text += fmt::format(
                "{}: {} files, because it commits in between\n", facts.id, each.files.size()
            );
        }
        if (!each.revision.downgrade.irreversible.empty()) {
            text += fmt::format(
                "{}: irreversible: {}\n", facts.id, each.revision.downgrade.irreversible
            );
        } else if (does_something(each.revision.upgrade) && !does_something(each.revision.downgrade)) {
            text += fmt::format("{}: its downgrade does nothing\n", facts.id);
        }
        if (!each.allowed.empty()) {
            text += fmt::format(
                "{}: lint would stop {}; allowed, because Alembic would run it\n",
                facts.id,
                fmt::join(each.allowed, ", ")
            );
        }
    }
    return text;
}

nlohmann::ordered_json proofs_json(const std::vector<StepProof>& proofs) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const StepProof& each : proofs) {
        nlohmann::ordered_json json{
            {"id", each.id},
            {"direction", revision::to_string(each.direction)},
            {"outcome", alembic::to_string(each.outcome)}};
        if (!each.reason.empty()) {
            json["reason"] = each.reason;
        }
        json["findings"] =
            nlohmann::ordered_json::parse(catalog::findings_json(each.findings)).at("findings");
        json["data"] = each.data;
        json["notes"] = each.notes;
        list.push_back(std::move(json));
    }
    return list;
}

std::string proof_text(const StepProof& proof) {
    std::string text = fmt::format(
        "{} {}: {}{}{}\n",
        revision::to_string(proof.direction),
        proof.id,
        words(proof.outcome),
        proof.reason.empty() ? "" : ": ",
        proof.reason
    );
    if (!proof.findings.empty()) {
        text += indented(catalog::findings_text(proof.findings));
    }
    for (const std::string& each : proof.data) {
        text += fmt::format("  {}\n", each);
    }
    for (const std::string& each : proof.notes) {
        text += fmt::format("  note: {}\n", each);
    }
    return text;
}

std::string summary_text(const std::vector<StepProof>& proofs) {
    std::map<Outcome, int> counts;
    for (const StepProof& each : proofs) {
        ++counts[each.outcome];
    }
    std::string text = fmt::format(
        "{} of {} steps make the same as Alembic", counts[Outcome::equal], proofs.size()
    );
    for (const auto& [outcome, count] : counts) {
        if (outcome != Outcome::equal && count > 0) {
            text += fmt::format("; {} {}", count, words(outcome));
        }
    }
    return text + "\n";
}

bool all_good(const std::vector<StepProof>& proofs) {
    return std::all_of(proofs.begin(), proofs.end(), [](const StepProof& each) {
        return each.outcome == Outcome::equal || each.outcome == Outcome::no_way_back;
    });
}

}  // namespace tapline::cli
