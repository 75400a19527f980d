"""Asks the real Alembic 1.8 what it makes of many graphs, database states and arguments, and prints the answers as
the fixture of tests/unit/revision/alembic_test.cpp. Run by hand, with Debian's python3-alembic:

    export PYTHONHASHSEED=0
    python3 tests/support/revision/alembic_expectations.py > tests/unit/revision/alembic_expectations.json

The graphs are made here, from a fixed seed. Steps are written as a set: Alembic's order between independent branches
differs from version to version. An answer is the kind of an error (the words of our JSON contract), or
"<steps>|<version rows>"; `crash` is an exception that Alembic doesn't mean for its users (assertions, KeyError),
`warned` is one that it announces to refuse, `overlap` is its refusal of rows or targets that stand on each other.
"""

import itertools
import json
import random
import sys
import types
import warnings
from unittest import mock

import alembic
from alembic.runtime.migration import HeadMaintainer
from alembic.script import ScriptDirectory
from alembic.script import revision as lineage

SEED = 20261120
ARGUMENTS_PER_STATE = 25
STATES_PER_GRAPH = 7

# name: lines of "id <- parents, with commas; depends on; labels"
GRAPHS = {
    "empty": "",
    "single": "only1",
    "linear": "aaaa\nbbbb<aaaa\nbccc<bbbb\ndddd<bccc\neeee<dddd",
    "branched": "root\nlef1<root;;left\nlef2<lef1\nrig1<root;;right\nrig2<rig1\nrig3<rig2",
    "nested": "root\nlef1<root;;left\nla10<lef1;;lefta\nla20<la10\nlb10<lef1;;leftb\nrig1<root",
    "diamond": "root\nlef1<root;;left\nrig1<root;;right\njoin<lef1,rig1\npost<join",
    "long_diamond": "root\nlef1<root;;left\nlef2<lef1\nrig1<root;;right\n"
    "rig2<rig1\njoin<lef2,rig2\nout1<join\nout2<join",
    "twin_merge": "aaaa\nbb01<aaaa\nbb02<aaaa\nbb03<aaaa\n"
    "cc01<bb01,bb02,bb03\ncc02<bb01,bb02,bb03\ndd01<cc01\ndd02<cc02",
    "uneven_twins": "aaaa\nbb01<aaaa\nbb02<aaaa\ncc01<bb01\ndd01<bb02,cc01\ndd02<bb02,cc01",
    "three_way": "aaaa\nbb01<aaaa;;one\nbb02<aaaa;;two\nbb03<aaaa;;three\njoin<bb01,bb02,bb03\npost<join",
    "criss_cross": "aaaa\nbbbb<aaaa\ncccc<aaaa\ndddd<bbbb,cccc\neeee<bbbb,cccc\nffff<dddd,eeee",
    "criss_cross_open": "aaaa\nbbbb<aaaa;;bee\ncccc<aaaa;;cee\ndddd<bbbb,cccc\neeee<cccc,bbbb\nfff1<dddd\nfff2<eeee",
    "forest": "aa01;;alpha\naa02<aa01\nbb01;;beta\nbb02<bb01\nbb03<bb02\ncc01;;gamma",
    "forest_merged": "aa01;;alpha\naa02<aa01\nbb01;;beta\nbb02<bb01\nmm01<aa02,bb02\nmm02<mm01;;merged\naa03<aa02",
    "three_bases_merged": "aa01\nbb01\ncc01\nmm01<aa01,bb01,cc01\nxx01<mm01;;ex\nyy01<mm01;;why\nzz01<mm01",
    "depends_later": "aa01;;lib1\naa02<aa01\naa03<aa02\nbb01;;lib2\nbb02<bb01;aa02\nbb03<bb02",
    "depends_chain": "aa01;;one\naa02<aa01\nbb01;aa02;two\nbb02<bb01\ncc01;bb01;three\ncc02<cc01;aa01",
    "depends_several": "aa01;;one\naa02<aa01\nbb01;;two\n"
    "bb02<bb01\ncc01;aa01,bb01;three\ncc02<cc01;aa02,bb02\ncc03<cc02",
    "depends_on_label": "aa01;;one\naa02<aa01\nbb01;one;two\nbb02<bb01;aa02\nbb03<bb02;one",
    "depends_on_branch": "root\nlef1<root;;left\nlef2<lef1\nrig1<root;lef1;right\nrig2<rig1\nrig3<rig2;lef2",
    "depends_on_ancestor": "aaaa\nbbbb<aaaa\ncccc<bbbb;aaaa;see\ndddd<cccc;aaaa",
    "cross_dependencies": "zero\naa01<zero;;eh\naa02<aa01;bb01\n"
    "bb01<zero;;bee\nbb02<bb01;aa01\nbb03<bb02\naa03<aa02;bb02",
    "dependent_heads": "zero\naa01<zero;;eh\nbb01<zero;aa01;bee\ncc01<zero;bb01;cee",
    "prefixes": "abcd\nabce<abcd;;abc_label\nabcdef<abce;;xyz,long_one\nbcde<abcdef;;long_two\nb2de<bcde",
    "label_in_line": "aaaa\nbbbb<aaaa\ncccc<bbbb;;mid\ndddd<cccc\neeee<dddd",
    "label_below_a_fork": "aaaa\nbbbb<aaaa\ncccc<bbbb;;mid\ndddd<cccc\neeee<dddd\nffff<dddd",
    "label_below_a_merge": "aaaa\nbbbb<aaaa;;one\ncccc<aaaa\ndddd<cccc;;two\neeee<dddd,bbbb\nffff<eeee;;end",
    "dependency_on_the_branch": "aa01;;ell\naa02<aa01\naa03<aa01;aa02\naa04<aa03\noo01;aa03;oh\noo02<oo01",
    "labels_of_one": "aaaa;;first,start\nbbbb<aaaa;;second\ncccc<aaaa;;third\ndddd<bbbb,cccc;;joined",
}


def random_graph(rng, size):
    lines, ids = [], []
    for number in range(size):
        name = f"{rng.choice('abc')}{rng.choice('xy')}{number:02d}"
        parents, dependencies, labels = [], [], []
        if ids and rng.random() < 0.85:
            parents = rng.sample(ids[-4:], min(len(ids[-4:]), rng.choice([1, 1, 1, 2, 2, 3])))
        if ids and rng.random() < 0.3:
            dependencies = [each for each in rng.sample(ids, 1) if each not in parents]
        if rng.random() < 0.3:
            labels = [f"label{number}"]
        lines.append(f"{name}<{','.join(parents)};{','.join(dependencies)};{','.join(labels)}")
        ids.append(name)
    return "\n".join(lines)


class Revision(lineage.Revision):
    module = types.SimpleNamespace(upgrade=mock.Mock(__name__="upgrade"), downgrade=mock.Mock(__name__="downgrade"))
    doc = ""


def parse(text):
    nodes = []
    for line in text.splitlines():
        head, dependencies, labels = (line + ";;").split(";")[:3]
        name, _, parents = head.partition("<")
        nodes.append([name, *([each for each in part.split(",") if each] for part in (parents, dependencies, labels))])
    return nodes


def directory(nodes):
    made = ScriptDirectory.__new__(ScriptDirectory)
    made.revision_map = lineage.RevisionMap(
        lambda: [Revision(i, tuple(p) or None, tuple(d) or None, tuple(n) or None) for i, p, d, n in nodes]
    )
    return made


def kind_of(error, operation, argument):
    if error.__cause__ is not None and not isinstance(error, lineage.RevisionError):
        return kind_of(error.__cause__, operation, argument)
    text = str(error)
    if isinstance(error, lineage.RangeNotAncestorError):
        return "not_ancestor"
    if isinstance(error, lineage.MultipleHeads):
        return "multiple_heads"
    if isinstance(error, lineage.ResolutionError):
        if "No such branch" in text:
            return kind_of(error.__cause__, operation, argument)
        for words, kind in (("No such", "not_found"), ("Multiple revisions", "ambiguous"), ("member", "not_on_branch")):
            if words in text:
                return kind
    if isinstance(error, lineage.RevisionError):
        if "Ambiguous" in text:
            return "ambiguous"
        if "too far" in text:
            return "too_many_steps"
        if "didn't produce" in text:
            steps = argument.rpartition(":")[2].rpartition("@")[2]
            backward = steps.startswith("-") == (operation != "down")
            return "wrong_direction" if backward or steps.endswith("0") else "too_many_steps"
        if "Not a valid downgrade" in text:
            return "not_ancestor"
        if "overlap" in text:
            return "overlap"
    if isinstance(error, (AssertionError, KeyError, AttributeError, TypeError, IndexError)):
        return "crash"
    raise error


def rows_after(rows, steps):
    maintainer = HeadMaintainer(mock.Mock(as_sql=True), rows)
    for step in steps:
        maintainer.update_to_step(step)
    return sorted(maintainer.heads)


def answer(operation, argument, compute):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = compute()
        except Exception as error:  # pylint: disable=broad-except
            found = kind_of(error, operation, argument)
    return "warned" if any("ambiguous" in str(each.message) for each in said) else found


def joined(ids):
    return " ".join(sorted(ids))


def migrate(scripts, operation, rows, argument):
    def compute():
        move = scripts._upgrade_revs if operation == "up" else scripts._downgrade_revs
        steps = move(argument, tuple(rows))
        ids = [step.revision.revision for step in steps]
        return f"{joined(ids)}|{joined(rows_after(rows, steps))}"

    return answer(operation, argument, compute)


def stamp(scripts, rows, argument):
    def compute():
        return "|" + joined(rows_after(rows, scripts._stamp_revs(tuple(argument.split()), tuple(rows))))

    return answer("stamp", argument, compute)


def history(scripts, rows, argument):
    def compute():
        ends = [tuple(rows) if end == "current" else end for end in argument.split(":")]
        listed = scripts.walk_revisions(base=ends[0] or "base", head=ends[1] or "heads")
        return joined(each.revision for each in listed)

    return answer("history", argument, compute)


def resolve(scripts, argument):
    return answer("show", argument, lambda: joined({each.revision for each in scripts.get_revisions(argument)}))


def offline(scripts, argument):
    """As command.upgrade and MigrationContext.get_current_heads do it with --sql."""
    start, _, target = argument.partition(":")

    def compute():
        rows = () if start == "base" else (scripts.get_revision(start).revision,)
        found = migrate(scripts, "up", rows, target)
        if "|" not in found:
            raise Kind(found)
        return found

    try:
        return answer("up", argument, compute)
    except Kind as kind:
        return str(kind)


class Kind(Exception):
    pass


def states(scripts, nodes, rng):
    """Version rows as upgrades leave them: of nothing, of everything, and of some targets."""
    ids = [node[0] for node in nodes]
    found = [()]
    for goal in [("heads",)] + [(each,) for each in ids] + [tuple(rng.sample(ids, 2)) for _ in ids if len(ids) > 1]:
        rows = ()
        for target in goal:
            result = migrate(scripts, "up", rows, target)
            rows = tuple(result.split("|")[1].split()) if "|" in result else rows
        found.append(rows)
    unique = list(dict.fromkeys(found))
    kept = unique[:2] + rng.sample(unique[2:], min(len(unique[2:]), STATES_PER_GRAPH - 2))
    return kept


def arguments(nodes, rng):
    ids = [node[0] for node in nodes]
    labels = [label for node in nodes for label in node[3]]
    always = ["head", "heads", "base", "+1", "+2", "-1", "-2", "head-1", "base+1", "none1"]
    always += [f"{label}@{rest}" for label in labels for rest in ("head", "base", "+1", "-1")]
    some = ["+3", "-3", "-9", "+9", "+0", "heads-1", "heads-2", "base+2", "none1@head", "none1+1", ""]
    some += [each[:length] for each in ids + labels for length in (1, 2, 3)]
    for each in ids + labels:
        some += [each, f"{each}+1", f"{each}-1", f"{each}+2", f"{each}-2", f"{each}-9", f"{each}+9", f"{each}+0"]
        some += [f"{each}@{rest}" for rest in ("heads", "head", "+2", "-2", "+1", "-1", "none1")]
        some += [f"{each}@base", f"{each}@base+1", f"{each}@head-1", f"{each}@head-2", f"{each}@+0", f"{each[:2]}@head"]
    for label in labels + ids[:2]:
        some += [f"{label}@{each}{rest}" for each in ids for rest in ("", "", "+1", "-1")]
        some += [f"{label}@{each[:2]}" for each in ids]
    always = always if len(always) < 18 else always[:10] + rng.sample(always[10:], 8)
    return always, some


def pick(always, some, rng, count):
    chosen = list(dict.fromkeys(always + rng.sample(some, min(len(some), 3 * count))))
    return chosen[: max(count, len(always))]


def ranges(nodes, rng):
    ids = [node[0] for node in nodes]
    labels = [label for node in nodes for label in node[3]]
    ends = ids + [f"{label}@head" for label in labels] + [each[:3] for each in ids]
    lower = ["", "base", "current", "-1", "-2", "none1"] + ends + [f"{label}@base" for label in labels] + labels
    upper = ["", "head", "heads", "current", "+1", "+2", "-1", "none1"] + ends + [f"{each}+1" for each in ids] + labels
    pairs = [f"{a}:{b}" for a, b in itertools.product(lower, upper)]
    return rng.sample(pairs, min(len(pairs), 14))


def stamps(nodes, rng):
    ids = [node[0] for node in nodes]
    labels = [label for node in nodes for label in node[3]]
    names = ids + ids + ["head", "heads", "base", "none1"]
    names += [f"{label}@{rest}" for label in labels for rest in ("head", "base", "heads")] + labels
    return list(dict.fromkeys(rng.sample(names, min(len(names), 8)) + [" ".join(rng.sample(ids, 2)) for _ in ids[1:4]]))


def ask(name, text, rng):
    nodes = parse(text)
    scripts = directory(nodes)
    always, some = arguments(nodes, rng)
    made = {"name": name, "nodes": nodes, "labels": {}, "resolve": {}, "offline": {}, "states": []}
    for node in nodes:
        made["labels"][node[0]] = joined(scripts.revision_map.get_revision(node[0]).branch_labels)
    for argument in pick(always, some, rng, 40):
        made["resolve"][argument] = resolve(scripts, argument)
    ids = [node[0] for node in nodes]
    for start in rng.sample(["base", "head", *ids], min(len(ids) + 1, 5)):
        for target in rng.sample(always + ids, 4):
            made["offline"][f"{start}:{target}"] = offline(scripts, f"{start}:{target}")
    for rows in states(scripts, nodes, rng):
        state = {"rows": joined(rows), "up": {}, "down": {}, "stamp": {}, "history": {}}
        for operation in ("up", "down"):
            for argument in pick(always, some, rng, ARGUMENTS_PER_STATE):
                state[operation][argument] = migrate(scripts, operation, rows, argument)
        for argument in stamps(nodes, rng):
            state["stamp"][argument] = stamp(scripts, rows, argument)
        for argument in ranges(nodes, rng):
            state["history"][argument] = history(scripts, rows, argument)
        made["states"].append(state)
    return made


def main():
    rng = random.Random(SEED)
    graphs = dict(GRAPHS)
    for number in range(14):
        graphs[f"random_{number}"] = random_graph(rng, rng.choice([6, 7, 8, 9, 12]))
    out = {"alembic": alembic.__version__, "seed": SEED, "graphs": [ask(*each, rng) for each in graphs.items()]}
    lines = ",\n".join(json.dumps(graph, separators=(",", ":")) for graph in out.pop("graphs"))
    print(json.dumps(out)[:-1] + f', "graphs": [\n{lines}\n]}}')


if __name__ == "__main__":
    sys.exit(main())
