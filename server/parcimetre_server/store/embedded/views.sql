-- Stable views for reading with plain SQL. Columns are only ever added.

-- The latest fact about each thing.
CREATE VIEW IF NOT EXISTS latest_facts AS
SELECT kind, key, recorded_at, body FROM facts
WHERE id IN (SELECT max(id) FROM facts GROUP BY kind, key);

-- The unit and site that each transferred device belongs to at present.
CREATE VIEW IF NOT EXISTS transfers AS
SELECT key AS device, body ->> 'org_unit' AS org_unit, body ->> 'site' AS site, max(body ->> 'at') AS at
FROM (SELECT key, body FROM facts WHERE kind = 'transfer' ORDER BY id DESC) GROUP BY key;

-- One row per device: id, category, org_unit, site, hostname, simulated (0/1), virtual, enrolled_at and
-- retired_at (seconds UTC).
CREATE VIEW IF NOT EXISTS devices AS
SELECT key AS id,
       body ->> 'category' AS category,
       ifnull((SELECT org_unit FROM transfers WHERE device = key), body ->> 'org_unit') AS org_unit,
       ifnull((SELECT site FROM transfers WHERE device = key), body ->> 'site') AS site,
       body ->> 'hostname' AS hostname,
       body ->> 'simulated' AS simulated,
       body ->> 'virtual' AS virtual,
       body ->> 'enrolled_at' AS enrolled_at,
       body ->> 'retired_at' AS retired_at
FROM latest_facts WHERE kind = 'device';

-- One row per org unit: path, names separated by "/".
CREATE VIEW IF NOT EXISTS org_units AS
SELECT key AS path FROM latest_facts WHERE kind = 'org_unit';

-- One row per site: name and grid zone.
CREATE VIEW IF NOT EXISTS sites AS
SELECT key AS name, body ->> 'zone' AS zone FROM latest_facts WHERE kind = 'site';

-- One row per device and day of UTC (days since 1970-01-01): first and last slot with a record (seconds
-- UTC), seconds with a known state.
CREATE VIEW IF NOT EXISTS device_days AS
SELECT device_number.id AS device, days.id >> 24 AS day, days.first_slot, days.last_slot, days.covered_s
FROM (
    SELECT * FROM sealed_day UNION ALL SELECT * FROM open_day
    UNION ALL SELECT * FROM hourly_day UNION ALL SELECT * FROM whole_day
) AS days
JOIN device_number ON number = days.id & 16777215;

-- One row per monitor: id, maker (its letters in the EDID), product, name, driven_by (the device that saw it
-- last), since and retired_at (seconds UTC).
CREATE VIEW IF NOT EXISTS monitors AS
SELECT key AS id,
       body ->> '$.display.maker' AS maker,
       body ->> '$.display.product' AS product,
       body ->> '$.display.name' AS name,
       body ->> '$.machines[#-1]' AS driven_by,
       body ->> 'since' AS since,
       body ->> 'retired_at' AS retired_at
FROM latest_facts WHERE kind = 'monitor';
