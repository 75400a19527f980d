// What a batch's revision and its controller mean for it: settled, refused, or kept whole. Private
// to central/settle.
#pragma once

#include <vector>

#include "central/settle/parts.hpp"

namespace tapline::settle {

/// In a settling transaction, after its locks: fills `refused` or `kept` of the parts that aren't
/// simply settled. A part that is behind the cursor already is left alone, it only gets its answer.
void judge_shapes(pg::Session& session, std::vector<Part>& parts);

}  // namespace tapline::settle
