// Which database a revision file is written for.
#pragma once

namespace tapline::revision {

/// Decides how SQL is cut into tokens and statements, and which headers a file may carry.
enum class Dialect {
    sqlite,    ///< comments don't nest, `x` and [x] are names, trigger bodies hold semicolons
    postgres,  ///< comments nest, E'' and $tag$ strings, BEGIN ATOMIC bodies hold semicolons
};

}  // namespace tapline::revision
