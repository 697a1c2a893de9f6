-- The load of one measure: wrk <url> -- <method> <upload bytes> <upload byte>
-- There is no `request` or `response` function on purpose: wrk then runs no Lua between requests.

function init(arguments)
  wrk.method = arguments[1]
  local bytes = tonumber(arguments[2])
  if bytes > 0 then
    wrk.body = string.rep(arguments[3], bytes)
    wrk.headers["Content-Type"] = "application/octet-stream"
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"micros":%.0f,"requests":%.0f,"bytes":%.0f,"p99Micros":%.0f,' ..
    '"errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}}\n',
    summary.duration, summary.requests, summary.bytes, latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
