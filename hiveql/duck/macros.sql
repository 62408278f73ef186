-- Functions of Hive that are expressions over others. Arguments that are used twice are columns
-- or cheap; whatever is dear is a C++ function instead.
CREATE MACRO skep_size(a) AS coalesce(len(a), -1)::INTEGER;
CREATE MACRO skep_map_size(m) AS coalesce(len(map_keys(m)), -1)::INTEGER;
CREATE MACRO skep_index(a, i) AS CASE WHEN i >= 0 THEN a[i::BIGINT + 1] END;
CREATE MACRO skep_array_contains(a, v) AS coalesce(list_contains(a, v), FALSE);
CREATE MACRO skep_array_distinct(a) AS list_filter(a, lambda e, i: list_position(a, e) = i);
CREATE MACRO skep_array_except(a, b) AS
  CASE WHEN b IS NOT NULL THEN skep_array_distinct(list_filter(a, lambda e: list_position(b, e) IS NULL)) END;
CREATE MACRO skep_array_intersect(a, b) AS
  CASE WHEN b IS NOT NULL THEN skep_array_distinct(list_filter(a, lambda e: list_position(b, e) IS NOT NULL)) END;
CREATE MACRO skep_array_union(a, b) AS CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN skep_array_distinct(list_concat(a, b)) END;
CREATE MACRO skep_map(k, v) AS
  map(skep_array_distinct(k), list_transform(skep_array_distinct(k), lambda e: v[len(k) + 1 - list_position(list_reverse(k), e)]));
CREATE MACRO skep_get_json(j, path) AS CASE WHEN json_valid(j) THEN json_extract_string(j, path) END;
CREATE MACRO skep_array_slice(a, s, n) AS
  CASE WHEN len(a) = 0 OR s::BIGINT + n > len(a) THEN a[1:0] WHEN s >= 0 AND n >= 0 THEN a[s::BIGINT + 1 : s::BIGINT + n] END;
CREATE MACRO skep_width_bucket(v, lo, hi, n) AS
  CASE WHEN lo < hi THEN CASE WHEN v < lo THEN 0 WHEN v >= hi THEN n + 1 ELSE floor((v - lo) * n / (hi - lo))::INTEGER + 1 END
       WHEN lo > hi THEN CASE WHEN v > lo THEN 0 WHEN v <= hi THEN n + 1 ELSE floor((lo - v) * n / (lo - hi))::INTEGER + 1 END END;
CREATE MACRO skep_seconds(t) AS (epoch_us(t) // 1000000 - CASE WHEN epoch_us(t) % 1000000 < 0 THEN 1 ELSE 0 END)::BIGINT;
CREATE MACRO skep_millis(t) AS (epoch_us(t) // 1000 - CASE WHEN epoch_us(t) % 1000 < 0 THEN 1 ELSE 0 END)::BIGINT;
-- What UTC has where the clocks of a zone show t; the earlier time where they show it twice, of which
-- timezone() takes the later.
CREATE MACRO skep_utc_of(zone, t) AS timezone('UTC', timezone(zone, t));
CREATE MACRO skep_first_utc(zone, t, last, first) AS
  CASE WHEN first < last AND timezone(zone, timezone('UTC', first)) = t THEN first ELSE last END;
CREATE MACRO skep_to_utc(zone, t) AS
  skep_first_utc(zone, t, skep_utc_of(zone, t), skep_utc_of(zone, t - INTERVAL 3 HOURS) + INTERVAL 3 HOURS);
CREATE MACRO skep_window(t, w, origin) AS
  CASE WHEN epoch_us(w) > 0 THEN make_timestamp(epoch_us(t) - (((epoch_us(t) - epoch_us(origin)) % epoch_us(w)) + epoch_us(w)) % epoch_us(w)) END;
CREATE MACRO skep_interval_day(us) AS us // 86400000000;
CREATE MACRO skep_interval_hour(us) AS us // 3600000000 % 24;
CREATE MACRO skep_interval_minute(us) AS us // 60000000 % 60;
CREATE MACRO skep_interval_second(us) AS us // 1000000 % 60;
