-- What wrk sends. Arguments after `--`: the kind of load, then what it needs.
--   get                                  the address given, again and again
--   cold                                 an address of the same page that nobody asked for yet
--   as TOKENS                            the address given, by one signed-in account after another
--   post TOKENS RUN READS PATH…          comments; of every READS + 1 requests one, the rest GETs
-- At the end one line of JSON.

local threads = {}
local tokens = {}

function setup(thread)
  table.insert(threads, thread)
end

local function read_tokens(file)
  for line in io.lines(file) do tokens[#tokens + 1] = line end
end

local SOME = {
  "the benches", "a tram", "our market", "the river", "every morning", "the council", "two streets",
  "a library", "the evening", "old depot", "quiet", "the plan", "printed", "neighbour", "painted",
}

local function new_comment(run, number)
  local said = { "Comment", run, tostring(number) }
  local length = 20
  while length < 195 do
    local piece = SOME[math.random(#SOME)]
    said[#said + 1] = piece
    length = length + #piece + 1
  end
  return table.concat(said, " ")
end

local function escape(text)
  return (text:gsub(" ", "+"))
end

-- Read by done(), which runs elsewhere.
see_other, ok, refused = 0, 0, 0

local function count(status)
  if status == 303 then see_other = see_other + 1
  elseif status == 200 then ok = ok + 1
  else refused = refused + 1 end
end

function init(args)
  local kind = args[1]
  local number = 0
  if kind == "cold" then
    request = function()
      number = number + 1
      return wrk.format("GET", wrk.path .. "?start=" .. number)
    end
  elseif kind == "as" then
    read_tokens(args[2])
    -- Made once: forming a request anew would cost wrk more than sending it.
    local requests = {}
    for place, token in ipairs(tokens) do
      requests[place] = wrk.format("GET", wrk.path, { Cookie = "forum=" .. token })
    end
    request = function()
      number = number + 1
      return requests[number % #requests + 1]
    end
  elseif kind == "post" then
    read_tokens(args[2])
    local run, reads = args[3], tonumber(args[4])
    local paths = {}
    for place = 5, #args do paths[#paths + 1] = args[place] end
    math.randomseed(#run + tonumber(run))
    local get = wrk.format("GET", paths[1]:gsub("/comments$", ""),
                           { ["Accept-Encoding"] = "gzip" })
    request = function()
      number = number + 1
      if number % (reads + 1) ~= 0 then return get end
      return wrk.format("POST", paths[number % #paths + 1], {
        ["Content-Type"] = "application/x-www-form-urlencoded",
        ["Cookie"] = "forum=" .. tokens[number % #tokens + 1],
      }, "text=" .. escape(new_comment(run, number)))
    end
    response = count
  end
end

function done(summary, latency, requests)
  local statuses = { see_other = 0, ok = 0, refused = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(statuses) do statuses[name] = statuses[name] + thread:get(name) end
  end
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "microseconds": %d, "bytes": %d, "p50": %d, "p99": %d, ' ..
    '"see_other": %d, "ok": %d, "refused": %d, "broken": %d, "how": "connect %d read %d write %d status %d timeout %d"}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99),
    statuses.see_other, statuses.ok, statuses.refused,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
