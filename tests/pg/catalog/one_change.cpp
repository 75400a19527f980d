#include "tests/pg/catalog/one_change.hpp"

#include <set>

#include <catch2/catch.hpp>

#include "common/error.hpp"

namespace tapline::test {

namespace {

using catalog::Change;

Change opposite(Change change) {
    if (change == Change::changed) {
        return change;
    }
    return change == Change::added ? Change::removed : Change::added;
}

void check_only(
    const std::vector<catalog::Finding>& findings, const OneChange& one, Change change
) {
    INFO(one.sql << "\n" << shown(findings));
    CHECK(findings.size() == 1);
    if (findings.size() != 1) {
        return;
    }
    CHECK(findings[0].object == one.object);
    CHECK(findings[0].change == change);
    if (one.attribute != nullptr) {
        std::set<std::string> names;
        for (const auto& [name, value] : findings[0].expected) {
            names.insert(name);
        }
        for (const auto& [name, value] : findings[0].found) {
            names.insert(name);
        }
        CHECK(names == std::set<std::string>{one.attribute});
    }
}

}  // namespace

void check_each(std::span<const OneChange> changes) {
    for (const OneChange& one : changes) {
        const CopyOf copy(rich_database());
        try {
            copy.connect().run(one.sql);
        } catch (const Error& error) {
            FAIL_CHECK(one.sql << "\n" << error.what());
            continue;
        }
        const catalog::Catalog found = read(copy.name());
        check_only(catalog::compare(rich_catalog(), found), one, one.change);
        check_only(catalog::compare(found, rich_catalog()), one, opposite(one.change));
    }
}

}  // namespace tapline::test
