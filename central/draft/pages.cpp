#include "central/draft/pages.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "central/draft/comment.hpp"

namespace tapline::draft {

namespace {

constexpr std::string_view guard =
    "DO $guard$\n"
    "BEGIN\n"
    "    RAISE EXCEPTION 'this draft holds nothing but proposals: decide them, write them out, and "
    "delete this block';\n"
    "END\n"
    "$guard$;\n";

// A body may name what is made after it; PostgreSQL looks at it when it runs.
constexpr std::string_view unchecked_bodies = "SET LOCAL check_function_bodies = off;\n\n";

constexpr std::string_view no_way_back = "PostgreSQL can't take a value out of an enumeration";

bool is_off(Stage stage, bool downgrade) {
    return stage == Stage::indexes ||
           (!downgrade && (stage == Stage::values || stage == Stage::validation));
}

class Writer {
  public:
    Writer(const std::vector<Item>& items, Page& page) : items_(items), page_(page) {}

    void upgrade() {
        marker("upgrade", is_off(page_.stage, false));
        const bool bodies = page_.stage == Stage::main && any([](const Item& each) {
                                return !each.proposed() && each.rank == Rank::function;
                            });
        page_.sql += page_.guarded ? guard : "";
        page_.sql += page_.guarded ? "\n" : "";
        page_.sql += bodies ? unchecked_bodies : "";
        for (const std::size_t index : page_.items) {
            const Item& item = items_[index];
            if (item.proposed()) {
                page_.sql += proposal(item) + "\n";
            } else {
                put(index, item.up);
            }
        }
    }

    void downgrade() {
        marker("downgrade", is_off(page_.stage, true));
        for (auto index = page_.items.rbegin(); index != page_.items.rend(); ++index) {
            const Item& item = items_[*index];
            if (item.down.empty()) {
                continue;
            }
            if (item.proposed()) {
                page_.sql += wrapped(plain("Back from " + item.object + ":"));
                page_.sql += commented(item.down) + "\n";
            } else {
                put(*index, item.down);
            }
        }
    }

  private:
    template <typename Test>
    [[nodiscard]] bool any(Test test) const {
        return std::any_of(page_.items.begin(), page_.items.end(), [&](std::size_t each) {
            return test(items_[each]);
        });
    }

    void marker(std::string_view direction, bool off) {
        page_.sql += fmt::format("-- tapline: {}{}\n", direction, off ? " transaction=off" : "");
    }

    void put(std::size_t index, const std::string& sql) {
        const auto line = 1 + std::count(page_.sql.begin(), page_.sql.end(), '\n');
        page_.lines[static_cast<int>(line)] = index;
        page_.sql += sql + "\n\n";
    }

    const std::vector<Item>& items_;
    Page& page_;
};

}  // namespace

std::vector<Page> pages_of(const std::vector<Item>& items) {
    std::map<Stage, Page> pages;
    for (const Item& item : items) {
        if (!item.proposed()) {
            pages[item.stage].stage = item.stage;
        }
    }
    if (pages.empty() && !items.empty()) {
        pages[Stage::main].guarded = true;
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto page = pages.find(items[i].stage);
        page = page == pages.end() ? pages.find(Stage::main) : page;
        page = page == pages.end() ? pages.begin() : page;
        page->second.items.push_back(i);
    }
    std::vector<Page> chain;
    for (auto& [stage, page] : pages) {
        Writer writer(items, page);
        writer.upgrade();
        if (stage == Stage::values) {
            page.irreversible = no_way_back;
        } else {
            writer.downgrade();
        }
        while (page.sql.ends_with("\n\n")) {
            page.sql.pop_back();
        }
        chain.push_back(std::move(page));
    }
    return chain;
}

}  // namespace tapline::draft
