"""The lab: real PostgreSQL, real programs, the field's programs imitated, and an oracle of their own.
Run with Debian's python3, which has psycopg2."""

from .bar import Bar
from .cluster import Cluster
from .journals import (
    OldSyncLoop,
    make_dead_end,
    make_gen5_in_place,
    open_with_release,
    set_old_statuses,
    sql,
    status_counts,
    unmarked,
)
from .network import Network, possible as network_possible
from .old_endpoint import AcceptAll, OldEndpoint
from .oracle import CODE_OF_KIND, Oracle
from .programs import Agent, Central, Finished, Program, TapSim, adopt, must, program, run_command
from .proxy import CommitCutter
from .stage import Stage
from .waiting import TimedOut, free_port, report, wait_until, work_directory
