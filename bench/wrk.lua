-- The requests of wrk: each line of a file in turn, as a query string or (a line of JSON) as a body.
-- The results are printed as one line of JSON.

local requests, sent = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local body = line:sub(1, 1) == "[" and line or nil
    local path = body and "/api/predict" or "/api/predict?" .. line
    local headers = body and { ["Content-Type"] = "application/json" } or {}
    requests[#requests + 1] = wrk.format(body and "POST" or "GET", path, headers, body)
  end
end

function request()
  sent = sent % #requests + 1
  return requests[sent]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"answers": %d, "seconds": %f, "p50": %f, "p99": %f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
