-- The marks of these sites that the sites have reached, and those of a log that has ended: a newer one waits as they do.
DELETE FROM SITE_MARK_TB waits USING SITE_TB known
WHERE waits.site = ANY (%(sites)s) AND known.site = waits.site
  AND (waits.first_offset <= known.next_offset
       OR (waits.log_id <> known.log_id
           AND coalesce(waits.closed_through, '-infinity') <= coalesce(known.closed_through, '-infinity')))
