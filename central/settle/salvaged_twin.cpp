#include "central/settle/salvaged_twin.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "common/log.hpp"
#include "common/salvage_note.hpp"

namespace tapline::settle {

namespace {

constexpr pg::Statement find_settled{
    "quarantine_twin", "SELECT 1 FROM pours WHERE client_tx_id = $1::text"};

}  // namespace

std::optional<std::string> id_in_index(const RawPour& row) {
    const auto* value = row.find(salvage_column);
    const auto* note = value == nullptr ? nullptr : std::get_if<Text>(value);
    if (note == nullptr) {
        return std::nullopt;
    }
    const auto json = nlohmann::json::parse(note->bytes, nullptr, false);
    const auto found = json.is_object() ? json.find("id_in_index") : json.end();
    if (!json.is_object() || found == json.end() || !found->is_string()) {
        return std::nullopt;
    }
    return found->get<std::string>();
}

void refuse_settled_twin(pg::Session& session, std::int64_t quarantine_id, const RawPour& row) {
    const auto twin = id_in_index(row);
    if (!twin || session.exec(find_settled, *twin).empty()) {
        return;
    }
    throw Error(
        ErrorKind::refused,
        "settled_already",
        fmt::format(
            "{}: the journal's index has this row as {}, and that pour is settled",
            quarantine_id,
            printable(*twin)
        ),
        "It is the same pour, and its guest has paid: dismiss this one, or leave it waiting."
    );
}

}  // namespace tapline::settle
