-- A batch of a site has come, %(new)s = 1 if for the first time: how many of its rows are stored, and were here already.
UPDATE SITE_TB SET batches = batches + %(new)s, rows_new = rows_new + %(stored)s, rows_again = rows_again + %(repeated)s,
                   batch_at = CASE WHEN %(new)s = 1 THEN now() ELSE batch_at END
WHERE site = %(site)s
