#include "common/revision/revision.hpp"

namespace tapline::revision {

std::string_view to_string(Direction direction) noexcept {
    return direction == Direction::upgrade ? "upgrade" : "downgrade";
}

std::string_view to_string(Phase phase) noexcept {
    switch (phase) {
        case Phase::expand:
            return "expand";
        case Phase::migrate:
            return "migrate";
        case Phase::contract:
            return "contract";
    }
    return "expand";
}

}  // namespace tapline::revision
