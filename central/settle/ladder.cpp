#include "central/settle/ladder.hpp"

#include <algorithm>
#include <array>

namespace tapline::settle {

Fault classify(std::string_view sqlstate) noexcept {
    static constexpr std::array<std::string_view, 10> row_classes{
        "0A", "21", "22", "23", "2F", "38", "39", "42", "44", "P0"};
    static constexpr std::array<std::string_view, 6> session_classes{
        "08", "25", "28", "3D", "53", "58"};
    if (sqlstate.empty()) {
        return Fault::session;
    }
    const auto state_class = sqlstate.substr(0, 2);
    if (std::find(row_classes.begin(), row_classes.end(), state_class) != row_classes.end()) {
        return Fault::row;
    }
    // 57P01–57P05: the server is going away. 57014, a cancelled statement, only waits.
    const bool going_away = sqlstate.substr(0, 3) == "57P";
    if (going_away || std::find(session_classes.begin(), session_classes.end(), state_class) !=
                          session_classes.end()) {
        return Fault::session;
    }
    return Fault::wait;
}

Fault classify(const Error& error) noexcept {
    if (error.code() == "insufficient_privilege" || error.code() == "statement_unfit") {
        return Fault::session;
    }
    if (error.kind() == ErrorKind::pg) {
        return classify(error.sqlstate());
    }
    // A value that can't even be sent (a zero byte in text) is the row's.
    return error.kind() == ErrorKind::data ? Fault::row : Fault::session;
}

}  // namespace tapline::settle
