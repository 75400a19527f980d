#include "agent/journal/central_word.hpp"

#include <optional>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "common/error.hpp"
#include "common/log.hpp"
#include "common/secret_file.hpp"

namespace tapline::journal {

namespace {

constexpr std::size_t max_id_bytes = 32;  // of a revision
constexpr const char* revision_key = "central_revision";
constexpr const char* minimum_key = "journal_minimum";

std::filesystem::path path_of(const std::filesystem::path& real_journal) {
    return real_journal.string() + ".tapline.central";
}

std::string id_in(const nlohmann::json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string()
               ? printable(found->get<std::string>(), max_id_bytes)
               : std::string();
}

}  // namespace

CentralWord read_central_word(const std::filesystem::path& real_journal) {
    std::optional<std::string> text;
    try {
        text = read_small_file(path_of(real_journal));
    } catch (const Error& failure) {
        spdlog::warn("what central said isn't known: {}", printable(failure.what()));
    }
    const auto json = nlohmann::json::parse(text.value_or(""), nullptr, false);
    return json.is_object() ? CentralWord{id_in(json, revision_key), id_in(json, minimum_key)}
                            : CentralWord{};
}

void remember_central(const std::filesystem::path& real_journal, const CentralWord& word) {
    const CentralWord cut{
        printable(word.revision, max_id_bytes), printable(word.minimum, max_id_bytes)};
    if (read_central_word(real_journal) == cut) {
        return;
    }
    const nlohmann::json json{{revision_key, cut.revision}, {minimum_key, cut.minimum}};
    try {
        write_secret_file(path_of(real_journal), json.dump() + "\n");
    } catch (const Error& failure) {
        spdlog::warn("what central said isn't kept: {}", printable(failure.what()));
    }
}

}  // namespace tapline::journal
