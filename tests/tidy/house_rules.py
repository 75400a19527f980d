#!/usr/bin/python3
"""Rules of CONTRIBUTING.md that a script can judge. Exit 1 with one line per broken rule."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("agent", "central", "common", "bench")

# What a folder may include of ours, besides itself (ARCHITECTURE.md, "Who may include whom").
ALLOWED = {
    "common": set(),
    "common/revision": {"common"},
    "agent/journal": {"common", "common/revision"},
    "agent/salvage": {"common", "agent/journal"},
    "agent/sync": {"common", "agent/journal"},
    "agent/service": {"common", "common/revision", "agent/journal", "agent/salvage", "agent/sync", "agent/identity"},
    "agent/identity": {"common", "agent/sync"},
    "agent/doctor": {"common", "agent/journal", "agent/sync", "agent/identity", "agent/service"},
    "agent/handover": {"common", "agent/journal", "agent/sync", "agent/service", "agent/doctor"},
    "agent/cli": {"common", "common/revision", "agent/journal", "agent/salvage", "agent/sync", "agent/identity", "agent/service", "agent/doctor",
                  "agent/handover"},
    "agent": {"common", "agent/cli", "agent/service"},
    "central/pg": {"common"},
    "central/compat": {"common", "central/pg"},
    "central/trust": {"common"},
    "central/access": {"common", "central/pg"},
    "central/revision": {"common", "common/revision", "central/pg", "central/access", "central/compat"},
    "central/catalog": {"common", "common/revision", "central/pg", "central/revision"},
    "central/lint": {"common", "common/revision"},
    "central/import": {"common", "common/revision", "central/pg", "central/revision", "central/catalog", "central/lint"},
    "central/draft": {"common", "common/revision", "central/pg", "central/revision", "central/catalog", "central/lint"},
    "central/settle": {"common", "central/pg", "central/compat"},
    "central/hold": {"common", "central/pg"},
    "central/reconcile": {"common", "central/pg"},
    "central/fleet": {"common", "central/pg", "central/trust", "central/settle", "central/compat"},
    "central/offline": {"common", "central/pg", "central/settle", "central/fleet"},
    "central/gateway": {"common", "central/trust", "central/pg", "central/settle", "central/fleet"},
    "central/metrics": {"common", "central/pg", "central/settle", "central/gateway"},
    "central/cli": {"common", "common/revision", "central/pg", "central/access", "central/revision", "central/catalog", "central/lint", "central/hold", "central/compat", "central/import", "central/draft",
                    "central/settle", "central/trust", "central/reconcile", "central/fleet", "central/offline", "central/gateway", "central/metrics"},
    "central": {"common", "central/cli"},
}
# Which folders may include a library's headers.
FENCES = {
    r"<boost/beast": ("agent/sync/https_transport", "central/gateway/server", "common/net_impl"),
    r"<libpq-fe.h": ("central/pg/", "bench/"),
    r"<SQLiteCpp": ("agent/journal/", "bench/"),
    r"<pg_query.h": ("central/revision/alone", "central/catalog/normalise", "central/lint/node"),
    r"<prometheus/": ("central/metrics/",),
    r"<zlib.h": ("agent/cli/whole_file", "central/offline/export_reader"),
    r"<CLI/": ("agent/cli/", "agent/service/", "agent/main", "central/cli/", "central/main", "bench/"),
    r"<nlohmann/json.hpp": ("common/", "agent/cli/", "agent/doctor/", "agent/service/", "agent/journal/", "agent/salvage/", "central/catalog/",
                            "central/cli/", "central/gateway/", "central/settle/", "central/revision/alone",
                            "central/lint/node", "bench/"),
}


def strip(text):
    """Comments and strings become blanks of the same length, so that line numbers stay."""
    def blank(match):
        return re.sub(r"[^\n]", "_", match.group())
    return re.sub(r'R"([a-z_]*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def co_await_rule(path, code):
    """GCC 12 destroys temporaries of a co_await expression twice: name it, then await it."""
    for match in re.finditer(r"co_await\b[^;]*;", code):
        line = code.count("\n", 0, match.start()) + 1
        start = max(code.rfind(c, 0, match.start()) for c in ";{}") + 1
        if "{" in match.group() or "?" in code[start:match.start()]:
            yield f"{path}:{line}: co_await with braces, a lambda or ?: in one statement; name it first"
    for match in re.finditer(r"asio::detached|,\s*detached\)", code):
        yield f"{path}:{code.count(chr(10), 0, match.start()) + 1}: detached loses exceptions"


def include_rule(path, text):
    folder = str(path.parent)
    for match in re.finditer(r'^#include "([^"]+)"', text, flags=re.M):
        target = str(pathlib.PurePosixPath(match.group(1)).parent)
        if folder.startswith(("bench", "tests")) or target == folder:
            continue
        if target not in ALLOWED.get(folder, set()):
            yield f"{path}: may not include {match.group(1)} (ARCHITECTURE.md, who may include whom)"
    for pattern, homes in FENCES.items():
        if re.search(r"^#include " + pattern, text, flags=re.M) and not str(path).startswith(homes):
            yield f"{path}: {pattern} is included outside its fence"


def main():
    broken, notes = [], []
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.[ch]pp")):
            path = file.relative_to(ROOT)
            text = file.read_text(encoding="utf-8")
            broken += co_await_rule(path, strip(text))
            broken += include_rule(path, text)
            lines = text.count("\n")
            if lines > 400:
                notes.append(f"note: {path} has {lines} lines; can it be two concepts?")
    for file in sorted((ROOT / "tests").rglob("*.[ch]pp")):
        broken += co_await_rule(file.relative_to(ROOT), strip(file.read_text(encoding="utf-8")))
    print("\n".join(notes + broken))
    print(f"{len(broken)} broken rules")
    return 1 if broken else 0


def self_test():
    """The check must see what it is for, or it proves nothing."""
    bad = ["void f() { co_await g(Agg{1}); }", "x = c ? a : co_await g();", "co_await run(p, [s] { h(); });"]
    good = ["auto a = Agg{1};\nco_await g(a);", 'co_await g("{");', "auto x = c ? 1 : 2;\nco_await g(x);"]
    assert all(list(co_await_rule("x", strip(text))) for text in bad)
    assert not any(list(co_await_rule("x", strip(text))) for text in good)
    assert list(include_rule(pathlib.PurePosixPath("common/x.cpp"), '#include "agent/sync/syncer.hpp"\n'))
    assert list(include_rule(pathlib.PurePosixPath("agent/sync/x.cpp"), "#include <libpq-fe.h>\n"))


if __name__ == "__main__":
    self_test()
    sys.exit(main())
