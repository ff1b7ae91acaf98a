-- What is done for each site of a center by a kind of work (nights ...): whoever does it holds the row meanwhile.
CREATE TABLE IF NOT EXISTS SITE_WORK_TB (
    work          text NOT NULL,               -- the kind
    site          text NOT NULL,               -- of SITE_TB
    next_at       timestamptz NOT NULL,        -- nobody need look at it before
    wants_through timestamptz,                 -- but at once when the site is complete through this minute; NULL = by time only
    done_through  timestamptz,                 -- nothing of this minute and of those before is left; NULL = nothing is done
    done_at       timestamptz,                 -- when somebody has done what was due; NULL = never
    failed        integer NOT NULL DEFAULT 0,  -- attempts in a row that failed
    state         jsonb NOT NULL DEFAULT '{}', -- what the work keeps about the site
    PRIMARY KEY (work, site)
);
CREATE INDEX IF NOT EXISTS site_work_next ON SITE_WORK_TB (work, next_at);

-- The site's time zone; NULL = that of the center's settings.
ALTER TABLE SITE_TB ADD COLUMN IF NOT EXISTS timezone text;
