// What `alembic upgrade … --sql` and `alembic downgrade … --sql` print -> the statements of each
// step, without what Alembic adds for itself. Pure.
//
// Alembic prints BEGIN, then for each step a comment line `-- Running upgrade <parents> -> <id>`,
// the step's statements, and what it does to public.alembic_version; then COMMIT. The comment lines
// are looked for among the tokens, outside strings, and the rest is judged by its parse tree.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/revision/lineage.hpp"
#include "common/revision/revision.hpp"

namespace tapline::alembic {

/// What commits together: the statements of one transaction, or some that run outside any.
struct RenderedPiece {
    bool transaction = true;  ///< false: a section with transaction=off takes them
    std::vector<std::string> statements;
};

struct RenderedStep {
    std::vector<RenderedPiece> pieces;  ///< none: it does nothing
    std::string problem;  ///< not empty: why it can't be a section; the pieces are meaningless then
};

using StepName = std::pair<revision::Direction, std::string>;

struct Rendered {
    std::map<StepName, RenderedStep> steps;
    std::vector<StepName> order;  ///< as printed; the last one may be cut off when Alembic failed
    bool versioned = false;       ///< some step ended in what Alembic does to its version table
};

/// ids: of the project; a comment line that names none of them is the step's own.
/// Never throws for what the text says: a step that isn't SQL gets a problem.
[[nodiscard]] Rendered read_rendered(std::string_view text, const revision::IdSet& ids);

}  // namespace tapline::alembic
