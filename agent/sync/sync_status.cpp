#include "agent/sync/sync_status.hpp"

#include <array>

namespace tapline::sync {

namespace {

struct StateText {
    SyncState state;
    std::string_view name;
    int exit_code;
    std::string_view what_to_do;
};

constexpr std::array<StateText, 13> texts{{
    {SyncState::starting, "starting", 0, ""},
    {SyncState::missing,
     "missing",
     5,
     "check the path of the journal; the tap's program makes the file"},
    {SyncState::not_adopted, "not_adopted", 5, "run `tapline-agent journal adopt FILE`"},
    {SyncState::refused, "refused", 5, "see the last error"},
    {SyncState::storage_error,
     "storage_error",
     5,
     "look at the disk: free space, then the card itself"},
    {SyncState::damaged,
     "damaged",
     5,
     "the agent salvages the journal by itself; if the last error says that it can't: stop the "
     "agent, then `tapline-agent journal salvage FILE`"},
    {SyncState::away, "away", 4, "check the network and central; pours are kept and will be sent"},
    {SyncState::held, "held", 0, "nothing: central asked its agents to keep pours for a while"},
    {SyncState::sending, "sending", 0, ""},
    {SyncState::idle, "idle", 0, ""},
    {SyncState::fork,
     "fork",
     5,
     "the journal and central disagree about old pours; keep the file: the operator sees it in "
     "`tapline-central controllers forks`"},
    {SyncState::upgrade, "upgrade", 5, "upgrade the older of tapline-agent and tapline-central"},
    {SyncState::waiting, "waiting", 5, "an operator has to act at central; see the last error"},
}};

const StateText& text_of(SyncState state) noexcept {
    for (const auto& text : texts) {
        if (text.state == state) {
            return text;
        }
    }
    return texts.front();
}

}  // namespace

std::string_view name_of(SyncState state) noexcept {
    return text_of(state).name;
}

std::string_view what_to_do(SyncState state) noexcept {
    return text_of(state).what_to_do;
}

int exit_code_of(SyncState state) noexcept {
    return text_of(state).exit_code;
}

std::optional<SyncState> state_named(std::string_view name) noexcept {
    for (const auto& text : texts) {
        if (text.name == name) {
            return text.state;
        }
    }
    return std::nullopt;
}

}  // namespace tapline::sync
