-- The first place of each thread where runs {a} and {b} differ: name, arguments and texts of calls, results and values behind pointers
-- of returns. `at` is the index that `xenolith diff` gives (three events a call). Threads are compared by tid: runs of one engine.
SELECT
    tid,
    3 * call_idx + multiIf(kind = 'kernel.return', 2, call_a = call_b, 1, 0) AS at,
    multiIf(in_a = 0, 'extra', in_b = 0, 'missing', kind = 'kernel.return', 'result', call_a = call_b, 'argument', 'call') AS what,
    call_a, call_b, arguments_a, arguments_b, return_a, return_b
FROM
(
    SELECT
        tid, assumeNotNull(call_idx) AS call_idx, kind,
        countIf(run = {a}) AS in_a, countIf(run = {b}) AS in_b,
        anyIf(call, run = {a}) AS call_a, anyIf(call, run = {b}) AS call_b,
        anyIf(arguments, run = {a}) AS arguments_a, anyIf(arguments, run = {b}) AS arguments_b,
        anyIf(texts, run = {a}) AS texts_a, anyIf(texts, run = {b}) AS texts_b,
        anyIf(behind_values, run = {a} AND kind = 'kernel.return') AS behind_a, anyIf(behind_values, run = {b} AND kind = 'kernel.return') AS behind_b,
        anyIf(ifNull(return_value, 0), run = {a}) AS return_a, anyIf(ifNull(return_value, 0), run = {b}) AS return_b
    FROM xenolith.events
    WHERE run IN ({a}, {b}) AND kind IN ('kernel.call', 'kernel.return') AND isNotNull(call_idx)
    GROUP BY tid, call_idx, kind
)
WHERE in_a != in_b OR call_a != call_b OR arguments_a != arguments_b OR texts_a != texts_b OR behind_a != behind_b OR return_a != return_b
ORDER BY tid, call_idx, kind
LIMIT 1 BY tid
