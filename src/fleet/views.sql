-- What `xenolith trace query` knows beside the table `events`; docs/fleet.md explains it.

-- A number as an address.
CREATE MACRO address(v) AS printf('0x%08x', (v & 4294967295)::UBIGINT);
-- A list of numbers as hex.
CREATE MACRO hexes(l) AS list_transform(l, lambda v: printf('0x%x', v));

CREATE VIEW returns AS
    SELECT run, title, idx, tid, call_idx, cycle, call, return_value, status, behind_args, behind_values
    FROM events WHERE kind = 'kernel.return';

-- One row a call, with its result; returned_at is NULL where it never came back.
CREATE VIEW calls AS
    SELECT c.run, c.title, c.tid, c.call_idx, c.idx, c.tid_idx, c.hw, c.cycle, c.lr, c.call, c.arguments, c.texts,
           r.return_value, r.status, r.behind_args, r.behind_values, r.idx AS returned_at, r.cycle - c.cycle AS cycles
    FROM (FROM events WHERE kind = 'kernel.call') c
    LEFT JOIN returns r ON r.run = c.run AND r.tid = c.tid AND r.call_idx = c.call_idx;

-- Guest threads; (entry, nth) names a thread in every run, its tid need not.
CREATE VIEW threads AS
    SELECT run, idx, arguments[1]::UINTEGER AS tid, arguments[3]::UINTEGER AS entry, arguments[4]::UINTEGER AS xapi_startup,
           arguments[5]::UINTEGER AS start_context, arguments[6]::UINTEGER AS creator_tid, arguments[18] <> 0 AS main,
           row_number() OVER (PARTITION BY run, arguments[3], arguments[4] ORDER BY idx) AS nth
    FROM events WHERE kind = 'thread.create';

-- How often each export was called.
CREATE VIEW histogram AS
    SELECT run, call, count(*) AS calls FROM events WHERE kind = 'kernel.call' GROUP BY run, call ORDER BY run, calls DESC, call;

-- The threads of run b by those of run a.
CREATE MACRO same_threads(a, b) AS TABLE
    SELECT x.tid AS tid_a, y.tid AS tid_b FROM (FROM threads WHERE run = a) x JOIN (FROM threads WHERE run = b) y
    USING (entry, xapi_startup, nth);

-- The first call of each thread in which two runs differ. Raw values: handles and addresses too (xenolith diff knows better).
-- index_a is the index that xenolith diff gives: three events a call.
CREATE MACRO first_divergence(a, b) AS TABLE
    WITH x AS (FROM calls WHERE run = a),
         y AS (SELECT calls.* REPLACE (coalesce(tid_a, tid) AS tid), tid AS tid_b FROM calls
               LEFT JOIN same_threads(a, b) ON tid_b = tid WHERE run = b),
         pairs AS (SELECT coalesce(x.tid, y.tid) AS tid, coalesce(x.call_idx, y.call_idx) AS call_idx,
                          CASE WHEN x.idx IS NULL THEN 'extra' WHEN y.idx IS NULL THEN 'missing' WHEN x.call <> y.call THEN 'call'
                               WHEN x.arguments IS DISTINCT FROM y.arguments OR x.texts IS DISTINCT FROM y.texts THEN 'argument'
                               WHEN (x.returned_at IS NULL) <> (y.returned_at IS NULL) THEN 'return'
                               WHEN x.return_value IS DISTINCT FROM y.return_value THEN 'result'
                               WHEN x.behind_values IS DISTINCT FROM y.behind_values THEN 'behind' END AS what,
                          x.call AS call_a, y.call AS call_b, hexes(x.arguments) AS arguments_a, hexes(y.arguments) AS arguments_b,
                          x.return_value AS return_a, y.return_value AS return_b, x.idx AS idx_a, y.idx AS idx_b
                   FROM x FULL JOIN y ON x.tid = y.tid AND x.call_idx = y.call_idx)
    SELECT tid, 3 * call_idx + CASE WHEN what IN ('return', 'result', 'behind') THEN 2 WHEN what = 'argument' THEN 1 ELSE 0 END AS index_a,
           what, call_a, call_b, arguments_a, arguments_b, return_a, return_b, idx_a, idx_b
    FROM pairs WHERE what IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY tid ORDER BY call_idx) = 1 ORDER BY tid;
