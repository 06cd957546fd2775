-- Events in a ClickHouse cluster: a local table on every server and one name for all of them. `{cluster}` is the cluster's name in
-- the servers' <remote_servers>. Columns are those of `xenolith trace export --clickhouse-columns`.
-- A call of all runs lies on one server: comparisons of runs need no data of another.
CREATE DATABASE IF NOT EXISTS xenolith;

CREATE TABLE IF NOT EXISTS xenolith.events_local (
    run String,
    title String,
    idx UInt64,
    tid UInt32,
    tid_idx UInt64,
    hw UInt8,
    cycle UInt64,
    lr UInt32,
    kind String,
    call String,
    call_idx Nullable(UInt64),
    return_value Nullable(UInt64),
    status Nullable(UInt32),
    arguments Array(UInt64),
    behind_args Array(UInt8),
    behind_values Array(UInt64),
    texts Array(String)
) ENGINE = MergeTree() ORDER BY (run, tid, tid_idx);

CREATE TABLE IF NOT EXISTS xenolith.events AS xenolith.events_local
ENGINE = Distributed({cluster}, xenolith, events_local, cityHash64(tid, intDiv(ifNull(call_idx, tid_idx), 65536)));
