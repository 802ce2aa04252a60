CREATE TABLE IF NOT EXISTS shard (number UInt16, shards UInt16, layout UInt16)
ENGINE = MergeTree ORDER BY number{durable};
CREATE TABLE IF NOT EXISTS channel (id UInt64, source String, scope String, quality String)
ENGINE = ReplacingMergeTree ORDER BY id{durable};
CREATE TABLE IF NOT EXISTS slot (
    device FixedString(32), start UInt32, version UInt64, covered_s UInt16,
    display_on_s UInt16, display_off_s UInt16, asleep_s UInt16, off_s UInt16,
    load_deciles_s Array(UInt16), means Array(UInt16),
    channels Array(UInt64), energy_j Array(Float64), measured_s Array(UInt16)
)
ENGINE = ReplacingMergeTree(version) PARTITION BY toYYYYMM(toDateTime(start, 'UTC')) ORDER BY (device, start)
SETTINGS index_granularity = 1024{durable_too};
CREATE TABLE IF NOT EXISTS fact (
    kind String, key String, sequence UInt64, writer UInt64, recorded_at Int64, body String
)
ENGINE = ReplacingMergeTree ORDER BY (kind, key, sequence, writer)
SETTINGS index_granularity = 1024{durable_too};
CREATE TABLE IF NOT EXISTS rolled_day (
    device FixedString(32), day UInt32, hours UInt8, covered_s UInt32, first_slot UInt32, last_slot UInt32,
    records Array(UInt8), means Array(UInt8), channels String, counted Array(UInt8),
    version UInt8 DEFAULT 1
)
ENGINE = ReplacingMergeTree(covered_s)
PARTITION BY toYYYYMM(toDateTime(toUInt32(day * 86400), 'UTC')) * 100 + hours ORDER BY (device, day, hours)
SETTINGS index_granularity = 1024{durable_too};
CREATE TABLE IF NOT EXISTS rolled_up (hours UInt8, before_day UInt32, at UInt32)
ENGINE = MergeTree ORDER BY (hours, before_day){durable};
