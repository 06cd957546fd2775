-- How often each run called each export.
SELECT run, call, count() AS calls
FROM xenolith.events
WHERE kind = 'kernel.call'
GROUP BY run, call
ORDER BY run, calls DESC, call
