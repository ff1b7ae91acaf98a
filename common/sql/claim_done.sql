-- What was due for a site is done: in the transaction of the work itself.
UPDATE SITE_WORK_TB SET next_at = %(next_at)s, wants_through = %(wants_through)s, done_through = %(done_through)s,
                        done_at = %(now)s, failed = 0, state = %(state)s
WHERE work = %(work)s AND site = %(site)s
