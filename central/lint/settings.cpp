// SET, RESET, set_config() and DISCARD; BEGIN and its kin.
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "central/lint/expression.hpp"
#include "central/lint/statement.hpp"

namespace tapline::lint {

namespace {

bool is_guard(std::string_view name) {
    return name == "lock_timeout" || name == "statement_timeout";
}

/// "0", "0ms", "00": the limit is off.
bool is_zero(const std::string& value) {
    double number = -1;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    return error == std::errc{} && number == 0;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    });
    return text;
}

/// One setting gets a value; value empty: not known from the text.
void judge_value(Statement& s, const std::string& name, const std::string& value, bool local) {
    const std::string object = "setting " + name;
    if (is_guard(name) && is_zero(value)) {
        s.find(Hazard::guard_disabled, object, "0 switches the limit off");
    }
    if (name == "session_replication_role" && lower(value) != "origin") {
        s.find(
            Hazard::relaxes_integrity, object, "triggers and foreign keys aren't checked meanwhile"
        );
    }
    if (!local && !s.made_again(object) && !s.made_again("setting all")) {
        s.find(
            Hazard::session_setting_left,
            object,
            "it stays set for everything that runs on this connection afterwards"
        );
    }
    s.catalog.fresh_objects.insert(object);
}

/// RESET and SET … TO DEFAULT.
void judge_reset(Statement& s, const std::string& name, bool left) {
    const std::string object = "setting " + name;
    const bool ours = s.catalog.fresh_objects.erase(object) > 0;
    if (ours) {
        return;
    }
    if (is_guard(name)) {
        s.find(Hazard::guard_disabled, object, "the server's default is no limit at all");
    }
    if (left) {
        s.find(
            Hazard::session_setting_left,
            object,
            "the connection goes on with the server's default instead of the runner's setting"
        );
    }
}

void reset_all(Statement& s, const std::string& what) {
    s.find(Hazard::guard_disabled, "session", what + " takes the runner's limits away too");
    s.find(Hazard::session_setting_left, "session", "every setting of the connection is changed");
}

}  // namespace

void judge_set(Statement& s, Node node) {
    const std::string kind = node["kind"].text();
    const std::string name = lower(node["name"].text());
    const bool local = node["is_local"].flag();
    if (kind == "VAR_RESET_ALL") {
        reset_all(s, "RESET ALL");
    } else if (kind == "VAR_RESET") {
        judge_reset(s, name, false);
    } else if (kind == "VAR_SET_DEFAULT") {
        judge_reset(s, name, !local);
    } else if (kind == "VAR_SET_MULTI") {
        if (name == "session characteristics") {
            judge_value(s, name, "", false);
        }
    } else {
        const auto values = node["args"].items();
        const auto value = values.size() == 1 ? constant_text(values.front()) : std::nullopt;
        judge_value(s, name, value.value_or(""), local);
    }
}

void judge_set_config(Statement& s, Node node) {
    walk(node, [&](std::string_view key, Node call) {
        const auto names = call["funcname"].strings();
        if (key != "FuncCall" || names.empty() || names.back() != "set_config") {
            return true;
        }
        const auto arguments = call["args"].items();
        if (arguments.size() == 3) {
            const std::string name = constant_text(arguments[0]).value_or("?");
            const std::string value = constant_text(arguments[1]).value_or("");
            const Node local = arguments[2]["boolval"];
            judge_value(s, lower(name), value, local && local["boolval"].flag());
        }
        return true;
    });
}

void judge_discard(Statement& s, Node node) {
    if (node["target"].text() != "DISCARD_ALL") {
        return;
    }
    if (s.transaction.open) {
        s.find(
            Hazard::not_allowed_in_transaction, "session", "DISCARD ALL can't run in a transaction"
        );
        return;
    }
    reset_all(s, "DISCARD ALL");
}

void judge_transaction(Statement& s, Node node) {
    const std::string kind = node["kind"].text();
    const bool begins = kind == "TRANS_STMT_BEGIN" || kind == "TRANS_STMT_START";
    const bool within = kind == "TRANS_STMT_SAVEPOINT" || kind == "TRANS_STMT_RELEASE" ||
                        kind == "TRANS_STMT_ROLLBACK_TO";
    s.find(
        Hazard::transaction_control,
        "transaction",
        within ? "the runner rolls back to its own points only"
               : "the runner's transaction and its version row come apart"
    );
    if (!within) {
        s.transaction = TransactionState{};
        s.transaction.open = begins || node["chain"].flag();
    }
}

}  // namespace tapline::lint
